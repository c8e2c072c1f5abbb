"""Reports: tables of the results of `analysis` and `planning` for the terminal, pages and files."""
