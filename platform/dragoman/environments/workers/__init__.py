"""What runs in isolated environments: the pipe's end there, and the workers; it imports nothing else of Dragoman."""
