"""Repositories: reads and writes of one kind of record each."""
