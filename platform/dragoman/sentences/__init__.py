"""The sentences of a grid: sources, references, and each system's translation with its score and error labels."""
