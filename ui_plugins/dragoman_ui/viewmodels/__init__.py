"""What a page shows, read from the store: one view model for each page or part."""
