"""The plan: every model and cell of a grid, what is missing and what it costs, before anything runs."""
