"""The overview of the systems of a grid as a table, from their partition tables, and as a report with its figures."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from sqlalchemy import func, select

from dragoman.analysis.caption import Caption, caption_line, captions_of
from dragoman.analysis.overview import overview
from dragoman.analysis.pair_differences import higher_is_better
from dragoman.analysis.pair_scores import pair_columns
from dragoman.analysis.partition_table import PartitionRow
from dragoman.analysis.run_table import MOST_CELLS, known_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.summed_tables import summed_tables
from dragoman.analysis.systems import System, metric_names
from dragoman.analysis.test_sets import test_sets_of
from dragoman.figures.overview import MOST_MAPS, heat_maps, interval_panels, seen_against_unseen
from dragoman.figures.pair_matrix import BANDED, PairMatrix
from dragoman.reports.analysis_report import Analysis, AnalysisReport, Choice, Drawing, texts_of
from dragoman.reports.choices import chosen_metric, chosen_models, chosen_systems, weighing
from dragoman.reports.overview import EVERYTHING, NAME, NUMBERS, Layout, overview_table
from dragoman.reports.quoted import marked
from dragoman.store.database.ids import grid_number
from dragoman.store.schema import PARTITIONS, GridPairRow
from dragoman.store.store import Store
from dragoman.tables.table import Table

LARGE = (
    "Of so large a grid means have no intervals, and gains are computed when they are asked for: it takes a tenth of a "
    "second for each system."
)
"""What is said below the overview of a large grid whose means are read from sums."""
PartitionTables = Mapping[System, Sequence[PartitionRow]]
"""The partition table of each system."""


def partition_tables(
    store: Store, question: ScoreQuestion, systems: Iterable[System], *, resample: bool = True
) -> PartitionTables:
    """The partition tables of some systems: kept ones where cells and scores are the same.

    Args:
        store: the store.
        question: the question; its prompt is that of each system.
        systems: the systems.
        resample: give intervals.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    return {
        each: known_table(store, replace(question, prompt=each.prompt), model=each.model, resample=resample)
        for each in systems
    }


def overview_rows(
    store: Store,
    question: ScoreQuestion,
    captions: Mapping[System, Caption],
    tables: PartitionTables,
    *,
    layout: Layout = EVERYTHING,
    caption: str | None = None,
    is_large: bool = False,
) -> Table:
    """The overview of some systems: a row each, with a column for each partition.

    Args:
        store: the store.
        question: the question.
        captions: what the scores of each system were measured on.
        tables: their partition tables.
        layout: what is shown, and in which order.
        caption: the captions in a line.
        is_large: whether pairs are too many to be read one by one, and one caption is that of all systems.
    """
    found = overview(store, question, tables, is_large=is_large)
    facts = {system: each.facts for system, each in captions.items()}
    if is_large and facts:
        facts |= {system: next(iter(facts.values())) for system in tables if system not in facts}
    return overview_table(
        question.grid, question.metric, found, layout=layout, facts=facts, weighing=weighing(question.micro),
        caption=caption,
    )  # fmt: skip


def overview_report(
    store: Store,
    question: ScoreQuestion,
    models: Sequence[str],
    *,
    layout: Layout = EVERYTHING,
    has_gains: bool = True,
) -> AnalysisReport:
    """The overview with its figures, of one test set.

    A grid of more than `MOST_CELLS` cells has no intervals, and without gains its means are read from the sums that the
    store keeps, in milliseconds.

    Args:
        store: the store.
        question: the question.
        models: names of the models.
        layout: what is shown, and in which order.
        has_gains: whether a large grid is to have gains too.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    systems = chosen_systems(store, question, models)
    is_large = _cells(store, question, len(systems)) > MOST_CELLS
    captions = captions_of(store, question, systems[:1] if is_large else systems)
    is_summed = is_large and not has_gains and not question.micro
    tables: PartitionTables = (
        summed_tables(store, question, systems)
        if is_summed
        else partition_tables(store, question, systems, resample=not is_large)
    )
    line = caption_line({system.within(question.grid): each for system, each in captions.items()})
    table = overview_rows(store, question, captions, tables, layout=layout, caption=line, is_large=is_large)
    choices = _choices(store, question, layout, table)
    if is_large:
        choices = (*choices, Choice("gains", "Gains", (("", "left out"), ("1", "computed")), "1" if has_gains else ""))
    return AnalysisReport(
        name=NAME, title="Overview", subject=question.grid, about=(), tables=(marked(table, systems),),
        drawings=(*_drawings(question, table, systems), *([] if is_large else _maps(store, question, table, systems))),
        notes=(LARGE,) if is_summed else (), choices=choices,
    )  # fmt: skip


def overview_page(store: Store, asked: Mapping[str, str]) -> AnalysisReport:
    """The report that an address asks for.

    Raises:
        DragomanError: something named is not there.
    """
    grid = asked["grid"]
    sets = test_sets_of(store, grid)
    question = ScoreQuestion(
        grid,
        chosen_metric(store, grid, asked.get("metric")),
        signature=asked.get("signature"),
        prompt=asked.get("prompt"),
        test_set=asked.get("test_set") or (sets[0] if len(sets) > 1 else None),
        lines=asked.get("lines"),
    )
    layout = Layout.parse(asked.get("columns"), asked.get("sort"))
    return overview_report(store, question, chosen_models(store, grid, None), layout=layout, has_gains="gains" in asked)


ANALYSIS = Analysis("Overview", "grid", overview_page, is_listed=False)
"""The page of a grid's overview."""


def _cells(store: Store, question: ScoreQuestion, systems: int) -> int:
    """The cells of some systems."""
    with store.database.reading() as connection:
        pairs = select(func.count()).where(GridPairRow.grid_id == grid_number(connection, question.grid))
        conditions = select(func.count(GridPairRow.condition_id.distinct())).where(
            GridPairRow.grid_id == grid_number(connection, question.grid)
        )
        every, apart = (connection.execute(query).scalar_one() for query in (pairs, conditions))
    return int(every * systems / max(apart, 1))


def _drawings(question: ScoreQuestion, table: Table, systems: Sequence[System]) -> Iterator[Drawing]:
    """The figures; those with nothing in them are left out."""
    rows, metric = table.rows, question.metric
    scopes = [column.key for column in table.columns if f"{column.key}_mean" in (rows[0] if rows else {})]
    shown = [scope for scope in scopes if any(row[f"{scope}_mean"] is not None for row in rows)]
    if not shown:
        return
    prompts = len({each.prompt for each in systems}) > 1
    names = [str(row["model"]) + (f":{row['prompt']}" if prompts and row["prompt"] else "") for row in rows]
    leader = next((name for row, name in zip(rows, names, strict=True) if row["best"]), None)
    yield Drawing(
        "means", f"Mean {metric} by partition",
        f"A panel for each partition with a point and its interval for each of {len(rows)} systems"
        + (f"; {leader} is the best somewhere." if leader else "."),
        interval_panels(rows, names, shown, metric), NAME,
    )  # fmt: skip
    both = [row for row in rows if row.get("seen_mean") is not None and row.get("unseen_mean") is not None]
    if both:
        yield Drawing(
            "seen-unseen", f"{metric} on seen against unseen pairs",
            f"A point for each of {len(both)} systems with its intervals; below the line a system is better on pairs "
            "that it was trained on.",
            seen_against_unseen(both, [name for row, name in zip(rows, names, strict=True) if row in both], metric),
            NAME,
        )  # fmt: skip


def _maps(store: Store, question: ScoreQuestion, table: Table, systems: Sequence[System]) -> Iterator[Drawing]:
    """The heat maps of the systems beside each other, in the table's order."""
    by_name = {(each.model, each.asked_with): each for each in systems}
    has_prompts = len({each.prompt for each in systems}) > 1
    chosen = [by_name[row["model"], row["prompt"]] for row in table.rows][:MOST_MAPS]
    languages = store.grids.get(question.grid).languages
    order = languages if len(languages) < BANDED else None
    matrices = {}
    for each in chosen:
        found = pair_columns(store, replace(question, prompt=each.prompt), model=each.model)
        partitions = [PARTITIONS[number] for number in found.partitions]
        name = each.within(question.grid) if has_prompts else each.model
        matrices[name] = PairMatrix.of(
            found.sources.tolist(), found.targets.tolist(), found.own.values, partitions, order=order
        )
    if any(np.isfinite(matrix.values).any() for matrix in matrices.values()):
        rest = len(systems) - len(chosen)
        alt = f"A heat map of {question.metric} by source and target for each of {len(chosen)} systems, on one scale"
        yield Drawing(
            "heat-maps", f"{question.metric} of every pair, all systems on one scale",
            f"{alt}; {rest} more are not drawn." if rest else f"{alt}.",
            heat_maps(matrices, unit=question.metric, higher_is_better=higher_is_better(question.metric)), NAME,
        )  # fmt: skip


def _choices(store: Store, question: ScoreQuestion, layout: Layout, table: Table) -> tuple[Choice, ...]:
    """What else can be asked for on the page."""
    scopes = [column.key for column in table.columns if f"{column.key}_mean" in (table.rows[0] if table.rows else {})]
    orders = [("grid", "as in the grid"), ("model", "name")]
    orders += [(scope, f"score, {scope.replace('_', ' ')}") for scope in scopes]
    orders += [(f"{scope}.gain", f"gain, {scope.replace('_', ' ')}") for scope in scopes]
    orders += [(f"{scope}.off_target", f"off-target, {scope.replace('_', ' ')}") for scope in scopes]
    shown = [("", "score, interval, gain, off-target"), *((name, name.replace("_", " ")) for name in NUMBERS)]
    shown.append(("score,interval", "score and interval"))
    sets = test_sets_of(store, question.grid)
    choices = [Choice("metric", "Metric", texts_of(metric_names(store, question.grid)), question.metric)]
    if len(sets) > 1:
        choices.append(Choice("test_set", "Test set", texts_of(sets), question.test_set or sets[0]))
    choices.append(Choice("sort", "Order", tuple(orders), layout.sort))
    choices.append(Choice("columns", "Numbers", tuple(shown), ",".join(layout.columns)))
    return tuple(choices)
