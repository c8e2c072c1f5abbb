"""Keys of MLflow's runs, by which they are found again: that of a grid, of a model in it, and of its evaluation."""


def grid_key(grid_id: str) -> str:
    """The key of the run of a grid, by the id of its plan."""
    return f"grid/{grid_id}"


def model_key(grid_id: str, model: str) -> str:
    """The key of the run of a model of a grid, by their ids."""
    return f"model/{grid_id}/{model}"


def evaluation_key(grid_id: str, model: str) -> str:
    """The key of the run of the evaluation of a model of a grid, by their ids."""
    return f"evaluation/{grid_id}/{model}"
