"""Promotion and rollback of registered versions."""
