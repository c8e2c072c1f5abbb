"""Selection of the models, systems and metric of a report, from those of a grid."""

from collections.abc import Sequence

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import System, metric_names, model_names, systems
from dragoman.analysis.test_sets import test_set_of
from dragoman.errors import StoreError, nearest
from dragoman.store.store import Store


def chosen_metric(store: Store, grid: str, metric: str | None) -> str:
    """The requested metric, or the grid's first.

    Raises:
        StoreError: the grid is unknown, or has no scores of that metric, or of none.
    """
    metrics = metric_names(store, grid)
    if not metrics:
        raise StoreError(f"Grid '{grid}' names no metric and has no scores: `dragoman score {grid} --metric METRIC`.")
    if metric is None:
        return metrics[0]
    if metric not in metrics:
        raise StoreError(
            f"Grid '{grid}' has no scores of '{metric}'; {nearest(metric, metrics)} "
            f"`dragoman score {grid} --metric {metric}` adds an installed metric to translations that are stored."
        )
    return metric


def chosen_models(store: Store, grid: str, models: Sequence[str] | None) -> list[str]:
    """The requested models, or all of the grid, in its order and the base first.

    Raises:
        StoreError: the grid or a model is unknown.
    """
    names = model_names(store, grid)
    for model in models or ():
        if model not in names:
            raise StoreError(f"Grid '{grid}' has no model '{model}'; {nearest(model, names)}")
    return [name for name in names if not models or name in models]


def chosen_systems(store: Store, question: ScoreQuestion, models: Sequence[str]) -> list[System]:
    """The requested models with each of their prompts, or with the requested one.

    Raises:
        StoreError: the grid is unknown, or has no prompt of that name.
    """
    found, prompt = systems(store, question.grid), question.prompt
    prompts = [str(each.prompt) for each in found]
    if prompt is not None and prompt not in prompts:
        raise StoreError(f"Grid '{question.grid}' has no prompt '{prompt}'; {nearest(prompt, prompts)}")
    return [each for each in found if each.model in models and prompt in (None, each.prompt)]


def asked_of(store: Store, question: ScoreQuestion) -> str:
    """The grid that a question is about, for titles: with the test set, where the grid has several."""
    named = test_set_of(store, question)
    return question.grid if named is None else f"{question.grid}, {named}"


def weighing(micro: bool) -> str:
    """How pairs are weighed in a mean, for titles."""
    return "weighted by segments" if micro else "each pair alike"
