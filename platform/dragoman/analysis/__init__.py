"""What the results store says: systems, partition tables, comparisons, rankings and their tests."""
