"""The MLflow app plugin: Dragoman's pages beside MLflow's, their JSON API, and the command that starts both."""
