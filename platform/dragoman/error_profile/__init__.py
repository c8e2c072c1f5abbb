"""Error profile: what goes wrong in the hypotheses of a grid, how often, and which language they are in instead."""
