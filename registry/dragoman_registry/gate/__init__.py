"""The gate: a policy judged on stored scores, with its evidence."""
