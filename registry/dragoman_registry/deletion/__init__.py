"""Deletion of grids, but for those that a registered version with an alias rests on."""
