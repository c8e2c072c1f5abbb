"""MLflow's model registry: its client, versions and aliases."""
