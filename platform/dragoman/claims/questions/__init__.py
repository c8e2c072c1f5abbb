"""The questions that Dragoman's own analyses answer, a file each."""
