"""URL path of the JSON API, shared by the server and its clients."""

API_PREFIX = "/ajax-api/3.0/dragoman"
"""Path of the API below MLflow's static prefix: MLflow refuses writes from other origins under `/ajax-api`."""
