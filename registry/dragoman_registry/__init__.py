"""Packaging models for MLflow, gates, promotion, and the trail they leave."""
