"""MLflow's runs of systems that were added to a grid: as those that its spec names have them."""

from collections.abc import Mapping
from contextlib import suppress

from dragoman.analysis.caption import caption_of
from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import systems
from dragoman.analysis.test_sets import test_sets_of
from dragoman.errors import StoreError, first_line
from dragoman.model import ModelIdentity
from dragoman.pair import Pair
from dragoman.redaction import masked
from dragoman.store.store import Store
from dragoman.tracking.datasets import stored_data
from dragoman.tracking.evaluation import evaluation_of, questions_of
from dragoman.tracking.grid_runs import Asked, GridRuns


def write_added(runs: GridRuns, store: Store, grid: str, model: str) -> None:
    """Write the run of a system that was not run here, with its scores; written again it changes nothing.

    Args:
        runs: the grid's runs.
        store: the store.
        grid: name of the grid.
        model: id of the system.
    """
    record, kept = store.grids.get(grid), store.models.get(model)
    name, every = record.names[model], systems(store, grid)
    (system,) = (each for each in every if each.model == name)
    prompt = system.prompt if len({each.prompt for each in every}) > 1 else None
    test_sets = test_sets_of(store, grid)
    questions = questions_of(grid, record.metrics, prompt=prompt, test_sets=test_sets)
    tables = {}
    for called, question in questions.items():
        with suppress(StoreError):  # of a metric whose scores can't be compared there is no table
            tables[called] = partition_table(store, question, model=name)
    questions = {called: question for called, question in questions.items() if called in tables}
    cell = store.cells.of_grid(grid, model=model)[0].cell
    found = evaluation_of(
        store, record, model, tables, questions=questions, prompt_id=cell.prompt, test_set_id=cell.test_set
    )
    contents: dict[str, dict[Pair, str]] = {}
    for one in store.cells.of_grid(grid, model=model):
        contents.setdefault(one.cell.test_set, {})[one.cell.pair] = one.cell.content
    labels: Mapping[str, str | None] = record.test_sets or {cell.test_set: None}
    tested = []
    for identity, label in labels.items():
        question = ScoreQuestion(grid, record.metrics[0], prompt=prompt, test_set=label)
        tested.append(stored_data(identity, contents[identity], caption_of(store, question, model=name)))
    runs.write_evaluation(ModelIdentity(name=name, recipe=kept.recipe), found, tested, Asked())


def tell_mlflow(uri: str, store: Store, grid: str, model: str) -> str | None:
    """Write the run of a system that was added to a grid which MLflow knows.

    Args:
        uri: MLflow's tracking URI.
        store: the store.
        grid: name of the grid.
        model: id of the system.

    Returns:
        What is to be said of it, as a sentence; None where MLflow does not know the grid.
    """
    from dragoman.tracking.mlflow import existing_runs

    record = store.grids.get(grid)
    try:
        runs = existing_runs(uri, record.spec.get("campaign") or grid, grid=grid, grid_id=record.spec_hash)
        if runs is None or not runs.found():
            return None
        write_added(runs, store, grid, model)
    except Exception as error:  # whatever MLflow or its server raises, the grid has the system
        return masked(
            f"MLflow at {uri} was not told ({first_line(error)}): the same again tells it once that is mended."
        )
    return "MLflow has its run."
