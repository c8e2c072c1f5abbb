"""Checks of `dragoman doctor`, one module for each part."""
