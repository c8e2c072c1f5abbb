"""View models: the content of each page or part, read from the store."""
