"""Planning: every model and cell of a grid, what is missing and what it costs, computed before anything runs."""
