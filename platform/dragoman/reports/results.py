"""Tables of a grid's results: partitions, gaps, seeds, the matrix and its pairs."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from dragoman.analysis.caption import Caption, caption_line, captions_of
from dragoman.analysis.pair_scores import BASE, PairScore, pair_scores, unscored
from dragoman.analysis.partition_gap import partition_gap
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.seeds import over_seeds
from dragoman.analysis.shared_pairs import Shared, note_on_pairs, pairs_by_scope, shared_pairs
from dragoman.analysis.systems import System
from dragoman.analysis.test_sets import test_sets_of
from dragoman.cell import CellState, Tone
from dragoman.metrics.lookup import digits_of
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.reports.choices import chosen_systems, weighing
from dragoman.reports.grid_overview import PartitionTables, overview_rows, partition_tables
from dragoman.reports.overview import EVERYTHING, Layout
from dragoman.reports.pivots import pivot_notes, pivots
from dragoman.reports.quoted import beside_quoted, marked
from dragoman.store.store import Store
from dragoman.tables.table import Column, Row, Table, figure, interval, number, of_pair, share, word

Scores = dict[System, list[PairScore]]
"""Pairs' scores by system."""
Captions = Mapping[System, Caption]
"""What each system's scores were measured on."""
ALARMING = tuple(state.mark for state in CellState if state.facts.tone is Tone.BAD)
"""Marks that the matrix shows in red."""
WIDEST_MATRIX = 40
"""Languages above which the matrix is printed only on request."""
OF_SYSTEM = ("model", "prompt")
"""The keys of a row's system, which tables are ruled by."""
ABOUT = "Intervals are about these pairs and this checkpoint, on other sentences of this kind."
"""What the intervals of a model's means are about."""
WITH_OTHER_LANGUAGES = (
    "other languages: the interval if other languages and other sentences had been chosen, leaving out a language at a "
    "time (jackknife); a language that is in all pairs of a scope stays."
)
"""What the second interval is."""
NAMED_PAIRS = 8
"""Pairs named beside a reason before the rest is counted."""


def answers(
    store: Store,
    question: ScoreQuestion,
    *,
    models: Sequence[str],
    other_languages: bool = False,
    with_quoted: bool = False,
    layout: Layout = EVERYTHING,
) -> list[Table]:
    """The tables of a grid's results: what `dragoman results` prints, and a run at its end.

    Args:
        store: the store.
        question: the query.
        models: names of the models.
        other_languages: give means a second interval, with other languages.
        with_quoted: set quoted scores beside computed ones too, in a table of their own.
        layout: what of the overview is shown.
    """
    captions = captioned(store, question, models)
    tables = partition_tables(store, question, captions)

    @cache
    def scores() -> Scores:
        return {each: pair_scores(store, _of(question, each), model=each.model) for each in captions}

    return [
        marked(overview_rows(store, question, captions, tables, layout=layout, caption=_line(captions)), captions),
        partition_rows(store, question, captions, tables=tables, other_languages=other_languages),
        gap_rows(store, question, captions),
        seeds(store, question, captions),
        matrix(question, captions, languages=store.grids.get(question.grid).languages, scores=scores),
        reasons({each: unscored(store, _of(question, each), model=each.model) for each in captions}),
        pairs(question, captions, scores=scores),
        pivots(store, question.grid, models),
        *([beside_quoted(store, question, list(captions))] if with_quoted else []),
    ]


def captioned(store: Store, question: ScoreQuestion, models: Sequence[str]) -> Captions:
    """Some models with each of their prompts, or the one named, and what their scores were measured on.

    Raises:
        StoreError: the grid is unknown, or has no prompt of that name.
    """
    return captions_of(store, question, chosen_systems(store, question, models))


def _of(question: ScoreQuestion, system: System) -> ScoreQuestion:
    """The question for one system."""
    return replace(question, prompt=system.prompt)


def _system(system: System) -> dict[str, Any]:
    """A row's fields that identify its system; one from files was asked with no prompt."""
    return {"model": system.model, "prompt": system.asked_with}


def _row(system: System, row: Row, caption: Caption) -> Row:
    """A row with what identifies its system before it, and what its numbers were measured on after it."""
    return {**_system(system), **row, **{key: value for key, value in caption.facts.items() if key not in row}}


def _line(captions: Captions) -> str | None:
    """The captions of some systems of one grid in a line."""
    return caption_line({system.within(system.grid): caption for system, caption in captions.items()})


def _stub(systems: Iterable[System]) -> list[Column]:
    """The columns that identify a row's system: the model, and the prompt where there are several."""
    return [word("model"), *([word("prompt")] if len({each.prompt for each in systems}) > 1 else [])]


def partition_rows(
    store: Store,
    question: ScoreQuestion,
    captions: Captions,
    *,
    tables: PartitionTables | None = None,
    other_languages: bool = False,
) -> Table:
    """The partition table of some systems (`captioned`), one below the other; `tables` are read if not given."""
    metric, shared = question.metric, _shared(store, question, captions)
    tables = partition_tables(store, question, captions) if tables is None else tables

    def in_common(scope: str) -> Row:
        return {"shared_pairs": shared[scope].pairs if scope in shared else None}

    rows = [
        _row(each, {**row.model_dump(mode="json"), **in_common(row.scope)}, caption)
        for each, caption in captions.items()
        for row in tables[each]
    ]
    notes = [ABOUT, *([note] if (note := note_on_pairs(shared)) else [])]
    if other_languages:
        notes.append(WITH_OTHER_LANGUAGES)
    if any(row["gain"] is not None for row in rows):
        notes.append(
            f"base and gain: on the pairs both have. {metric} is no common scale across target languages: the gain is."
        )
    if any(row["off_target_reference"] is not None for row in rows):
        notes.append("on references: how often the detector takes the reference itself for another language.")
    if any(row["off_target_missed"] is not None for row in rows):
        notes.append(
            "missed: how often it does not take a sentence of another language of the grid for off-target (undecided: "
            "of which it can't tell), so that the true rate may be higher."
        )
    notes += dict.fromkeys(row["note"] for row in rows if row["note"])
    if files := [each.model for each in captions if each.is_from_files]:
        notes.append(
            f"{', '.join(files)}: translations from files, neither asked nor decoded here; prompt and decoding are not "
            "known."
        )
    notes += pivot_notes(store, question.grid, {each.model for each in captions})
    stub = _stub(captions)
    table = Table(
        name="partitions", title=f"{question.grid}: mean {metric} by partition, {weighing(question.micro)}",
        columns=[*stub, *partition_columns(rows, metric, other_languages=other_languages)],
        content=rows, notes=notes, group=OF_SYSTEM, stub=len(stub) + 1, caption=_line(captions),
    )  # fmt: skip
    return marked(table, captions)


def notes_on_pairs(store: Store, questions: Mapping[ScoreQuestion, Sequence[str]]) -> dict[str, list[str]]:
    """By tables' names, the sentences about scopes that are other pairs from model to model of several grids.

    Args:
        store: the store.
        questions: the models of each grid's question; of a grid with several test sets it must name one.
    """
    if any(each.test_set is None and len(test_sets_of(store, each.grid)) > 1 for each in questions):
        return {}  # what they have in common differs from test set to test set
    found = {
        system: pairs
        for question, models in questions.items()
        for system, pairs in pairs_by_scope(store, question, chosen_systems(store, question, models)).items()
    }
    shared = shared_pairs(found.values())
    notes = {"partitions": note_on_pairs(shared), "gap": note_on_pairs(shared, (Partition.SEEN, Partition.RECOMBINED))}
    return {name: [f"Over all grids: {note}"] for name, note in notes.items() if note}


def _shared(store: Store, question: ScoreQuestion, systems: Collection[System]) -> Mapping[str, Shared]:
    """The pairs of each scope that some systems have in common; nothing where there is only one."""
    return shared_pairs(pairs_by_scope(store, question, systems).values()) if len(systems) > 1 else {}


def partition_columns(
    rows: Sequence[Row], metric: str, *, resampled: bool = True, other_languages: bool = False
) -> list[Column]:
    """The columns of every partition table: of results, model cards, MLflow's notes and the pages' files.

    Args:
        rows: the rows, each with the fields of a `PartitionRow`.
        metric: name of the metric.
        resampled: whether the rows have intervals.
        other_languages: whether to give the means' intervals with other languages.
    """

    def has(key: str) -> bool:
        return any(row.get(key) is not None for row in rows)

    def differs(key: str) -> bool:
        return any(row[key] not in (row["done"], 0) for row in rows)

    digits = digits_of(metric)
    columns = [word("scope"), share("pairs", "done", "pairs"), number("mean", metric, digits)]
    columns += [interval("low", "high", digits=digits)] if resampled else []
    columns += [interval("languages_low", "languages_high", "other languages", digits)] if other_languages else []
    columns += [number("median", digits=digits)] if has("median") else []
    columns += [number("shared_pairs", "in common", digits=0)] if any(map(_is_apart, rows)) else []
    if has("gain"):
        columns += [number("base_mean", "base", digits), number("gain", digits=digits, sign=True)]
        columns += [interval("gain_low", "gain_high", digits=digits, sign=True)] if resampled else []
        columns += (
            [Column("gain_pairs", "gain on", lambda row: _pairs(row["gain_pairs"]))] if differs("gain_pairs") else []
        )
    if has("off_target"):
        columns.append(number("off_target", "off-target %"))
        if differs("off_target_pairs"):
            columns.append(Column("off_target_pairs", "off-target of", lambda row: _pairs(row["off_target_pairs"])))
        columns += [number("off_target_reference", "on references")] if has("off_target_reference") else []
        if has("off_target_missed"):
            columns += [number("off_target_missed", "missed %"), number("off_target_undecided", "undecided %")]
    return columns


def _is_apart(row: Row) -> bool:
    """Whether a row's mean is over other pairs than all systems of its table have in common."""
    return row.get("shared_pairs") is not None and row["shared_pairs"] < row["done"]


def gap_rows(store: Store, question: ScoreQuestion, captions: Captions) -> Table:
    """How much better each system (`captioned`) is on seen than on recombined pairs, for those that have both."""
    rows, found = [], {}
    for each, caption in captions.items():
        asked = _of(question, each)
        gap = partition_gap(store, asked, model=each.model, better=Partition.SEEN, worse=Partition.RECOMBINED)
        if gap is not None:
            found[each] = caption
            rows.append(_row(each, gap.model_dump(mode="json"), caption))
    apart = note_on_pairs(_shared(store, question, found), (Partition.SEEN, Partition.RECOMBINED))
    notes = dict.fromkeys([row["note"] for row in rows if row["note"]] + ([apart] if apart else []))
    digits = digits_of(question.metric)
    table = Table(
        name="gap",
        title=f"{question.grid}: {question.metric} on seen minus recombined pairs into the same target languages, "
              f"{weighing(question.micro)}",
        columns=[*_stub(captions), number("value", "seen - recombined", digits, sign=True),
                 interval("low", "high", digits=digits, sign=True),
                 Column("targets", "targets", lambda row: str(len(row["targets"]))),
                 number("raw", "whatever targets", digits, sign=True),
                 interval("raw_low", "raw_high", digits=digits, sign=True),
                 share("seen", "done", "pairs"),
                 share("recombined", "other_done", "other_pairs")],
        content=rows, notes=list(notes), caption=_line(found),
    )  # fmt: skip
    return marked(table, found)


def seeds(store: Store, question: ScoreQuestion, systems: Collection[System]) -> Table:
    """Mean and standard deviation over models that differ only in their seed, where there are such models."""
    found = [
        (System(question.grid, row.models[0], prompt), row)
        for prompt in dict.fromkeys(each.prompt for each in systems)
        for row in over_seeds(store, replace(question, prompt=prompt))
    ]
    digits = digits_of(question.metric)
    captions = captions_of(store, question, dict.fromkeys(first for first, _ in found))
    rows = [
        {"prompt": first.prompt, **row.model_dump(mode="json"), "models": " ".join(row.models), **captions[first].facts}
        for first, row in found
    ]
    return Table(
        name="seeds",
        title=f"{question.grid}: mean {question.metric} over seeds, on the pairs all of them have, "
              f"{weighing(question.micro)}",
        content=rows, group=("models", "prompt"), caption=_line(captions),
        notes=["Pairs of a scope are those that are in it under every seed.",
               "The interval is of the recipe's mean: other seeds and other sentences are counted, on these pairs."],
        columns=[word("models"), *_stub(systems)[1:], word("scope"),
                 share("pairs", "done", "pairs"),
                 Column("mean", "mean ± sd", lambda row: f"{figure(row['mean'], digits)} ± {figure(row['sd'], digits)}",
                        values=("mean", "sd")),
                 interval("low", "high", digits=digits)],
    )  # fmt: skip


def matrix(
    question: ScoreQuestion, captions: Captions, *, languages: Sequence[str], scores: Callable[[], Scores]
) -> Table:
    """Source by target, one block for each model and prompt; cells that are no pair of the grid stay empty."""
    digits = digits_of(question.metric)

    def content() -> list[Row]:
        rows: list[Row] = []
        for each, found in scores().items():
            by_pair = {score.pair: score for score in found}
            for source in languages:
                cells = (by_pair.get(Pair(source, target)) for target in languages)
                entries = dict(zip(languages, map(_entry, cells), strict=True))
                rows.append(_row(each, {"source": source, **entries}, captions[each]))
        return rows

    def column(target: str) -> Column:
        def text(row: Row) -> str:
            value = row[target]
            return "" if value is None else value if isinstance(value, str) else figure(value, digits)

        def style(row: Row) -> str:
            return "red" if row[target] in ALARMING else "dim" if isinstance(row[target], str) else ""

        return Column(target, target, text, style=style)

    table = Table(
        name="matrix", title=f"{question.grid}: {question.metric} from source (row) to target (column)",
        columns=[*_stub(captions), word("source"), *map(column, languages)], content=content, caption=_line(captions),
        group=OF_SYSTEM, stub=len(_stub(captions)) + 1, detail=len(languages) > WIDEST_MATRIX,
    )  # fmt: skip
    return marked(table, captions)


def _entry(score: PairScore | None) -> float | str | None:
    return None if score is None else score.state.mark if score.value is None else score.value


def reasons(without: Scores) -> Table:
    """Why pairs have no score: one row for each model, prompt, state and reason."""
    alike: defaultdict[tuple[System, CellState, str | None], list[str]] = defaultdict(list)
    for each, found in without.items():
        for score in found:
            alike[each, score.state, score.reason].append(str(score.pair))
    rows = [
        {**_system(each), "state": state.mark, "pairs": len(found), "which": found, "reason": reason}
        for (each, state, reason), found in alike.items()
    ]

    def named(row: Row) -> str:
        rest = len(row["which"]) - NAMED_PAIRS
        return " ".join(row["which"][:NAMED_PAIRS]) + (f" and {rest} more" if rest > 0 else "")

    table = Table(
        name="reasons", title="Pairs without a score", content=rows, group=OF_SYSTEM,
        columns=[*_stub(without), word("state"), number("pairs", digits=0),
                 Column("which", "which", named, right=False), word("reason")],
    )  # fmt: skip
    return marked(table, without)


def pairs(question: ScoreQuestion, captions: Captions, *, scores: Callable[[], Scores]) -> Table:
    """Every pair of every model and prompt, a row each."""

    def content() -> list[Row]:
        return [_row(each, of_pair(score), captions[each]) for each, found in scores().items() for score in found]

    digits = digits_of(question.metric)
    table = Table(
        name="pairs", title=f"{question.grid}: {question.metric} of every pair", content=content, group=OF_SYSTEM,
        detail=True, stub=len(_stub(captions)) + 2, caption=_line(captions),
        columns=[*_stub(captions), word("source"), word("target"), word("partition"), word("state"),
                 number("value", question.metric, digits), interval("low", "high", digits=digits),
                 number("base_value", BASE, digits)],
    )  # fmt: skip
    return marked(table, captions)


def _pairs(count: int) -> str:
    return "-" if not count else f"{count} pair{'s' if count > 1 else ''}"
