"""Sampling of training text from a corpus: filters, samples, deduplication, overlap with test sets."""
