"""Operations: configuration, health checks, backups, migrations and deployment."""
