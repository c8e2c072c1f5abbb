"""Maintenance: garbage collection, repair of damaged blobs, rescoring."""
