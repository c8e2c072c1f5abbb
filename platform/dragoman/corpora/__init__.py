"""Where aligned text comes from: one file for each kind of corpus."""
