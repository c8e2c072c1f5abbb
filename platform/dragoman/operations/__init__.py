"""What keeps the platform running: its configuration, checks of its parts, backups, and its deployment."""
