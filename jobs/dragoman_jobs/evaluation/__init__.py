"""Evaluation: the pool of warm workers that translate and score cells."""
