"""What MLflow is told of an evaluation: scores by partition, samples, heat maps and a note, read from the store."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from dragoman.analysis.caption import caption_line, caption_of
from dragoman.analysis.pair_scores import pair_scores
from dragoman.analysis.partition_table import PartitionRow
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.cell import CellState
from dragoman.model import is_from_files, quotation
from dragoman.pair import Pair
from dragoman.reports.results import captioned, partition_rows
from dragoman.store.records import GridRecord
from dragoman.store.store import Store
from dragoman.tables.render import Form, render
from dragoman.tracking.heatmap_html import NUMBERED, heat_map_page
from dragoman.tracking.mlflow_notes import model_links

Sample = tuple[Pair, str, str, str]
"""Pair, source, reference and hypothesis of a sentence."""


class Evaluation(NamedTuple):
    """The evaluation of one model."""

    tables: Mapping[str, Sequence[PartitionRow]]
    """The partition table of each metric; of test sets after the first, of `TEST_SET/METRIC`."""
    samples: Sequence[Sample] = ()
    """The first sentence of every pair."""
    maps: Mapping[str, str] = {}
    """Heat maps by metric, each a page of HTML."""
    note: str = ""
    """Markdown shown on the pages of its run and the model's."""
    source: str | None = None
    """Where its translations or scores are from, of a system that was not run here."""


def questions_of(
    grid: str, metrics: Sequence[str], *, prompt: str | None, test_sets: Sequence[str | None]
) -> dict[str, ScoreQuestion]:
    """What a model is measured by, as MLflow calls it: of test sets after the first the metrics begin with their names.

    Args:
        grid: name of the grid.
        metrics: names of the metrics.
        prompt: name of the prompt that is meant, where the grid has several.
        test_sets: names of its test sets, the first one first; None of one without a name.
    """
    return {
        metric if place == 0 else f"{name}/{metric}": ScoreQuestion(grid, metric, prompt=prompt, test_set=name)
        for place, name in enumerate(test_sets or [None])
        for metric in metrics
    }


def evaluation_of(
    store: Store,
    grid: GridRecord,
    model: str,
    tables: Mapping[str, Sequence[PartitionRow]],
    *,
    questions: Mapping[str, ScoreQuestion],
    prompt_id: str,
    test_set_id: str,
) -> Evaluation:
    """The evaluation of a model of a grid.

    Args:
        store: the store.
        grid: the grid.
        model: id of the model.
        tables: its partition tables by what MLflow calls them.
        questions: the queries that they answer.
        prompt_id: id of the prompt that samples are of.
        test_set_id: id of the test set that samples are of.
    """
    name = grid.names[model]
    return Evaluation(
        tables,
        samples=_samples(store, grid.name, model, prompt_id, test_set_id),
        maps=_heat_maps(store, grid, name, questions),
        note=_note(store, grid.name, name, questions),
        source=_source(store, model),
    )


def _source(store: Store, model: str) -> str | None:
    recipe = store.models.get(model).recipe
    quoted = quotation(recipe)
    return quoted.phrase if quoted else "translations from files" if is_from_files(recipe) else None


def _note(store: Store, grid: str, model: str, questions: Mapping[str, ScoreQuestion]) -> str:
    every = [replace(question, prompt=None) for question in questions.values()]
    tables = [partition_rows(store, each, captioned(store, each, [model])) for each in every]
    own = "Partitions are those of this model: under the same name another run has other pairs."
    return f"**{model}** in grid **{grid}** · {model_links(grid, model)}\n\n{render(tables, Form.MARKDOWN)}\n{own}\n"


def _heat_maps(store: Store, grid: GridRecord, model: str, questions: Mapping[str, ScoreQuestion]) -> dict[str, str]:
    """A page for each test set and metric; of many languages, whose pages are large, for the first alone."""
    pages = {}
    for name, question in list(questions.items())[: None if len(grid.languages) <= NUMBERED else 1]:
        pages[name] = heat_map_page(
            f"{model} in {grid.name}: {name}",
            question.metric,
            grid.languages,
            pair_scores(store, question, model=model),
            caption_line({model: caption_of(store, question, model=model)}),
        )
    return pages


def _samples(store: Store, grid: str, model: str, prompt_id: str, test_set_id: str) -> list[Sample]:
    """The first sentence of every pair of a test set."""
    samples = []
    for cell in store.cells.of_grid(grid, model=model, state=CellState.DONE):
        is_meant = cell.cell.prompt == prompt_id and cell.cell.test_set == test_set_id
        if is_meant and cell.test and cell.hypotheses:
            sources, references = store.blobs.test(cell.test)
            hypothesis = store.blobs.translation(cell.hypotheses)[0][0]
            samples.append((cell.cell.pair, sources[0], references[0], hypothesis))
    return samples
