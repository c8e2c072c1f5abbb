"""MLflow tracking: experiments, runs, metrics and their notes."""
