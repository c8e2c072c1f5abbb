"""Tables for people, of what `analysis` and `planning` say: results, comparisons, campaigns, plans."""
