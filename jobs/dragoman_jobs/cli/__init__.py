"""The commands that run grids."""
