"""Models packaged for MLflow: the served model, its card, its translations."""
