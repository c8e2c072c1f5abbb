"""MLflow app plugin: Flask blueprints of Dragoman's pages and JSON API, and the command that starts the server."""
