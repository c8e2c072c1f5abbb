"""The store in a notebook: questions are methods of it, and answers show, convert and draw themselves."""
