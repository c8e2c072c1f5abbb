"""Tables of a grid's results: partitions, gaps, seeds, the matrix and its pairs."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache

from dragoman.analysis.pair_scores import BASE, PairScore, pair_scores, unscored
from dragoman.analysis.partition_table import partition_gap, partition_table
from dragoman.analysis.seeds import over_seeds
from dragoman.analysis.systems import Asked
from dragoman.cell import CellState, Tone
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.reports.choices import chosen_rows, weighing
from dragoman.store.store import Store
from dragoman.tables.table import Column, Row, Table, figure, interval, number, of_pair, share, word

Scores = dict[Asked, list[PairScore]]
"""Pairs' scores by model and prompt."""
ALARMING = tuple(state.mark for state in CellState if state.facts.tone is Tone.BAD)
"""What stands in the matrix in red."""
WIDEST_MATRIX = 40
"""Languages above which the matrix is printed only when asked for."""
OF_ROW = ("model", "prompt")
"""What tables are ruled by."""
NAMED_PAIRS = 8
"""Pairs named beside a reason before the rest is counted."""


def answers(
    store: Store,
    grid: str,
    models: Sequence[str],
    metric: str,
    signature: str | None = None,
    micro: bool = False,
    prompt: str | None = None,
) -> list[Table]:
    """The tables of a grid's results: what `dragoman results` prints, and a run at its end."""
    rows = chosen_rows(store, grid, models, prompt)

    @cache
    def scores() -> Scores:
        return {row: pair_scores(store, grid, row.model, metric, signature, row.prompt) for row in rows}

    return [
        partition_rows(store, grid, models, metric, signature, micro, prompt),
        gap_rows(store, grid, rows, metric, signature, micro),
        seeds(store, grid, rows, metric, signature, micro),
        matrix(grid, metric, store.grids.get(grid).languages, rows, scores),
        reasons({row: unscored(store, grid, row.model, metric, signature, row.prompt) for row in rows}),
        pairs(grid, metric, rows, scores),
    ]


def _stub(rows: Iterable[Asked]) -> list[Column]:
    """The columns that say whose a row is: the model, and the prompt where there are several."""
    return [word("model"), *([word("prompt")] if len({row.prompt for row in rows}) > 1 else [])]


def partition_rows(
    store: Store, grid: str, models: Sequence[str], metric: str, signature: str | None = None, micro: bool = False,
    prompt: str | None = None,
) -> Table:  # fmt: skip
    """The partition table of some models, each with its prompts or the one named, one below the other."""
    asked = chosen_rows(store, grid, models, prompt)
    rows = [
        {**each.model_dump(), **row.model_dump(mode="json")}
        for each in asked
        for row in partition_table(store, grid, each.model, metric, signature, micro, each.prompt)
    ]
    stub = _stub(asked)
    columns = [
        *stub,
        word("scope"),
        share("pairs", "done", "pairs"),
        number("mean", metric),
        interval("low", "high"),
    ]
    notes = []
    if any(row["gain"] is not None for row in rows):
        columns += [
            number("base_mean", "base"),
            number("gain", sign=True),
            interval("gain_low", "gain_high", sign=True),
        ]
        if any(row["gain_pairs"] not in (row["done"], 0) for row in rows):
            columns.append(Column("gain_pairs", "gain on", lambda row: _pairs(row["gain_pairs"])))
        notes.append(
            f"base and gain: on the pairs both have. {metric} is no common scale across target languages: the gain is."
        )
    if any(row["off_target"] is not None for row in rows):
        columns.append(number("off_target", "off-target %"))
        if any(row["off_target_pairs"] not in (row["done"], 0) for row in rows):
            columns.append(Column("off_target_pairs", "off-target of", lambda row: _pairs(row["off_target_pairs"])))
        if any(row["off_target_reference"] is not None for row in rows):
            columns.append(number("off_target_reference", "on references"))
            notes.append("on references: how often the detector takes the reference itself for another language.")
    notes += dict.fromkeys(row["note"] for row in rows if row["note"])
    return Table(
        name="partitions", title=f"{grid}: mean {metric} by partition, {weighing(micro)}", columns=columns,
        content=rows, notes=notes, group=OF_ROW, stub=len(stub) + 1,
    )  # fmt: skip


def gap_rows(
    store: Store, grid: str, asked: Sequence[Asked], metric: str, signature: str | None = None, micro: bool = False
) -> Table:
    """How much better each model is on seen than on recombined pairs, for those that have both."""
    rows = []
    for each in asked:
        better, worse = Partition.SEEN, Partition.RECOMBINED
        gap = partition_gap(store, grid, each.model, metric, better, worse, signature, each.prompt, micro)
        if gap is not None:
            rows.append({**each.model_dump(), **gap.model_dump(mode="json")})
    return Table(
        name="gap", title=f"{grid}: {metric} on seen minus recombined pairs, {weighing(micro)}",
        columns=[*_stub(asked), number("value", "seen - recombined", sign=True), interval("low", "high", sign=True),
                 share("seen", "done", "pairs"),
                 share("recombined", "other_done", "other_pairs")],
        content=rows, notes=list(dict.fromkeys(row["note"] for row in rows if row["note"])),
    )  # fmt: skip


def seeds(
    store: Store, grid: str, asked: Sequence[Asked], metric: str, signature: str | None = None, micro: bool = False
) -> Table:
    """Mean and standard deviation over models that differ only in their seed, where there are such models."""
    rows = [
        {**row.model_dump(mode="json"), "models": " ".join(row.models), "prompt": prompt}
        for prompt in dict.fromkeys(each.prompt for each in asked)
        for row in over_seeds(store, grid, metric, signature, prompt, micro)
    ]
    return Table(
        name="seeds", title=f"{grid}: mean {metric} over seeds, on the pairs all of them have, {weighing(micro)}",
        content=rows, group=("models", "prompt"), notes=["Pairs of a scope are those that are in it under every seed."],
        columns=[word("models"), *_stub(asked)[1:], word("scope"),
                 share("pairs", "done", "pairs"),
                 Column("mean", "mean ± sd", lambda row: f"{figure(row['mean'])} ± {figure(row['sd'])}",
                        values=("mean", "sd"))],
    )  # fmt: skip


def matrix(
    grid: str, metric: str, languages: Sequence[str], asked: Sequence[Asked], scores: Callable[[], Scores]
) -> Table:
    """Source by target, one block for each model and prompt; what is no pair of the grid stays empty."""

    def content() -> list[Row]:
        rows: list[Row] = []
        for each, found in scores().items():
            by_pair = {score.pair: score for score in found}
            for source in languages:
                cells = (by_pair.get(Pair(source, target)) for target in languages)
                entries = dict(zip(languages, map(_entry, cells), strict=True))
                rows.append({**each.model_dump(), "source": source, **entries})
        return rows

    def column(target: str) -> Column:
        def text(row: Row) -> str:
            value = row[target]
            return "" if value is None else value if isinstance(value, str) else figure(value)

        def style(row: Row) -> str:
            return "red" if row[target] in ALARMING else "dim" if isinstance(row[target], str) else ""

        return Column(target, target, text, style=style)

    return Table(
        name="matrix", title=f"{grid}: {metric} from source (row) to target (column)",
        columns=[*_stub(asked), word("source"), *map(column, languages)], content=content,
        group=OF_ROW, stub=len(_stub(asked)) + 1, detail=len(languages) > WIDEST_MATRIX,
    )  # fmt: skip


def _entry(score: PairScore | None) -> float | str | None:
    return None if score is None else score.state.mark if score.value is None else score.value


def reasons(without: Scores) -> Table:
    """Why pairs have no score: one row for each model, prompt, state and reason."""
    alike: defaultdict[tuple[Asked, CellState, str | None], list[str]] = defaultdict(list)
    for each, found in without.items():
        for score in found:
            alike[each, score.state, score.reason].append(str(score.pair))
    rows = [
        {**each.model_dump(), "state": state.mark, "pairs": len(found), "which": found, "reason": reason}
        for (each, state, reason), found in alike.items()
    ]

    def named(row: Row) -> str:
        rest = len(row["which"]) - NAMED_PAIRS
        return " ".join(row["which"][:NAMED_PAIRS]) + (f" and {rest} more" if rest > 0 else "")

    return Table(
        name="reasons", title="Pairs without a score", content=rows, group=OF_ROW,
        columns=[*_stub(without), word("state"), number("pairs", digits=0),
                 Column("which", "which", named, right=False), word("reason")],
    )  # fmt: skip


def pairs(grid: str, metric: str, asked: Sequence[Asked], scores: Callable[[], Scores]) -> Table:
    """Every pair of every model and prompt, a row each."""

    def content() -> list[Row]:
        return [{**each.model_dump(), **of_pair(score)} for each, found in scores().items() for score in found]

    return Table(
        name="pairs", title=f"{grid}: {metric} of every pair", content=content, group=OF_ROW, detail=True,
        stub=len(_stub(asked)) + 2,
        columns=[*_stub(asked), word("source"), word("target"), word("partition"), word("state"),
                 number("value", metric), interval("low", "high"), number("base_value", BASE)],
    )  # fmt: skip


def _pairs(count: int) -> str:
    return "-" if not count else f"{count} pair{'s' if count > 1 else ''}"
