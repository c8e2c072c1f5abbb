"""Prompts rendered for a model, and their preview."""
