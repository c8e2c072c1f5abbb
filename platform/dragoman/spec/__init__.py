"""The grid specification: what a user writes, typed and checked."""
