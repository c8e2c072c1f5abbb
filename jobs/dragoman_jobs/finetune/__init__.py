"""Finetuning: one training loop that knows no Ray, in parts that can be read alone."""
