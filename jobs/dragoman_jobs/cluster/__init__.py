"""Clusters: Ray or, for tests, threads of this process."""
