"""Authentication and authorisation: users, roles, CSRF protection, security headers."""
