"""Translations of systems from elsewhere: files in several layouts, aligned with a test set."""
