"""Checkpoints on disk: loading, conversion, folders written whole."""
