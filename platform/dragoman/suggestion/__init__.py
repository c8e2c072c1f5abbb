"""Suggestion of training pairs: a model of gains by the training graph, a greedy choice, and how well it foretells."""
