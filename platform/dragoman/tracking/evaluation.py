"""What MLflow is told of an evaluation: scores by partition, samples, heat maps and a note, read from the store."""

from collections.abc import Mapping, Sequence
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
    """The partition table of each metric."""
    samples: Sequence[Sample] = ()
    """The first sentence of every pair."""
    maps: Mapping[str, str] = {}
    """Heat maps by metric, each a page of HTML."""
    note: str = ""
    """Markdown shown on the pages of its run and the model's."""
    source: str | None = None
    """Where its translations or scores are from, of a system that was not run here."""


def evaluation_of(
    store: Store,
    grid: GridRecord,
    model: str,
    tables: Mapping[str, Sequence[PartitionRow]],
    *,
    prompt: str | None,
    prompt_id: str,
) -> Evaluation:
    """The evaluation of a model of a grid.

    Args:
        store: the store.
        grid: the grid.
        model: id of the model.
        tables: its partition tables by metric.
        prompt: name of the prompt that is meant, where the grid has several.
        prompt_id: its id.
    """
    name = grid.names[model]
    return Evaluation(
        tables,
        samples=_samples(store, grid.name, model, prompt_id),
        maps=_heat_maps(store, grid, name, list(tables), prompt),
        note=_note(store, grid.name, name, list(tables)),
        source=_source(store, model),
    )


def _source(store: Store, model: str) -> str | None:
    recipe = store.models.get(model).recipe
    quoted = quotation(recipe)
    return quoted.phrase if quoted else "translations from files" if is_from_files(recipe) else None


def _note(store: Store, grid: str, model: str, metrics: Sequence[str]) -> str:
    questions = [ScoreQuestion(grid, metric) for metric in metrics]
    tables = [partition_rows(store, each, captioned(store, each, [model])) for each in questions]
    own = "Partitions are those of this model: under the same name another run has other pairs."
    return f"**{model}** in grid **{grid}** · {model_links(grid, model)}\n\n{render(tables, Form.MARKDOWN)}\n{own}\n"


def _heat_maps(
    store: Store, grid: GridRecord, model: str, metrics: Sequence[str], prompt: str | None
) -> dict[str, str]:
    """A page for each metric; of many languages, whose pages are large, for the first alone."""
    pages = {}
    for metric in metrics if len(grid.languages) <= NUMBERED else metrics[:1]:
        question = ScoreQuestion(grid.name, metric, prompt=prompt)
        pages[metric] = heat_map_page(
            f"{model} in {grid.name}: {metric}",
            metric,
            grid.languages,
            pair_scores(store, question, model=model),
            caption_line({model: caption_of(store, question, model=model)}),
        )
    return pages


def _samples(store: Store, grid: str, model: str, prompt_id: str) -> list[Sample]:
    """The first sentence of every pair."""
    samples = []
    for cell in store.cells.of_grid(grid, model=model, state=CellState.DONE):
        if cell.cell.prompt == prompt_id and cell.test and cell.hypotheses:
            sources, references = store.blobs.test(cell.test)
            hypothesis = store.blobs.translation(cell.hypotheses)[0][0]
            samples.append((cell.cell.pair, sources[0], references[0], hypothesis))
    return samples
