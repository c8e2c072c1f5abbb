"""The audit log of promotions, and its history."""
