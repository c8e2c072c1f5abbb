"""Blueprint of the JSON API."""
