"""One table in six forms: terminal, text, CSV, JSON, LaTeX, Markdown."""
