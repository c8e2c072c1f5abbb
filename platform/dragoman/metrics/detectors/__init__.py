"""Language identifiers: plugins that say how probable each of some languages is for a text."""
