"""Who may do what: users, roles, request forgery, security headers."""
