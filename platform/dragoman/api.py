"""The address of the JSON API, which the server has and its clients ask."""

API_PREFIX = "/ajax-api/3.0/dragoman"
"""Path of the API below MLflow's static prefix: MLflow refuses writes from other origins under `/ajax-api`."""
