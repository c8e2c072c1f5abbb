"""Engines: what continues prompts with a model."""
