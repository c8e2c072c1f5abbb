"""Cross-lingual alignment: how alike a model represents the same sentences in two languages, by layer."""
