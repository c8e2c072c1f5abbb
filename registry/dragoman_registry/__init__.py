"""The model registry: packaging models for MLflow, promotion gates, and the audit log of promotions."""
