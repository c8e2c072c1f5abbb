"""Clusters: an interface, and Ray behind it."""
