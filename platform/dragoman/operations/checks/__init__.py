"""What `dragoman doctor` looks at: one part a module."""
