"""The configuration of MLflow's basic authentication that the tests of a server with users share."""

AUTH = """
[mlflow]
default_permission = READ
database_uri = sqlite:///{home}/users.db
admin_username = admin
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
auth_cache_ttl_seconds = 300
"""
"""MLflow checks a password for half a second of CPU, several times a request, unless it may keep the answer."""
