"""Explanation: which facts about languages go with a model's quality on them, and how sure that is."""
