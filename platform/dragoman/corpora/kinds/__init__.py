"""The kinds of corpora, one file each."""
