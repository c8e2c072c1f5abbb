"""HTTP responses: caching, validation, pagination, downloads, Markdown."""
