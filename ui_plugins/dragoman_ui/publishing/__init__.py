"""A grid's pages as a static site: files that need no server, and fetch nothing from elsewhere."""
