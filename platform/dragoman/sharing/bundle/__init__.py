"""Bundles that prove themselves: a grid's texts and numbers in one file whose hashes end in one root."""
