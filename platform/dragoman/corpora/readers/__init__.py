"""Readers of the files that corpora lie in: names, lines, tables, archives, the hub."""
