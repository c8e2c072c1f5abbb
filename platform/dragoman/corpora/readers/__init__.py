"""Readers of corpus files: names, lines, tables, archives, the hub."""
