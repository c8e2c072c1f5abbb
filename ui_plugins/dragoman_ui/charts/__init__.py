"""Charts of scores: heat maps, scatter plots, distributions."""
