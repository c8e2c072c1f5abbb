"""What is taken of a corpus for training: filters, samples, deduplication, overlap with test sets."""
