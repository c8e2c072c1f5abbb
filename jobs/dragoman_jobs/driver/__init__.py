"""The driver of a grid: trains, hands out cells, commits results, reports to MLflow."""
