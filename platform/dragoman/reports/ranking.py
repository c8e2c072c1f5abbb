"""Tables of a ranking: the systems in clusters, each against the next, by partition, and every two of them."""

from collections.abc import Sequence
from statistics import median
from typing import Any

from dragoman.analysis.human_agreement import NOTICED
from dragoman.analysis.ranking_records import Ranking, SystemDifference
from dragoman.analysis.units import Unit
from dragoman.metrics.lookup import digits_of
from dragoman.reports.choices import weighing
from dragoman.reports.quoted import unranked
from dragoman.tables.table import Column, Row, Table, interval, number, p_value, word

_NAMED = 5
"""Differences named in a sentence before the rest is counted."""


def tables(grid: str, found: Ranking) -> list[Table]:
    """A ranking's tables: the ranking, quoted systems below it, neighbours, partitions' shares, every two systems."""
    grid = grid if found.test_set is None else f"{grid}, {found.test_set}"
    rest = [neighbours(grid, found), shares(grid, found), differences(grid, found)]
    return [ranking(grid, found), unranked(grid, found.metric, found.quoted), *rest]


def ranking(grid: str, found: Ranking) -> Table:
    """The systems, the best first, ruled by clusters."""
    tests = f"{len(found.differences)} pairs of systems"
    notes = [
        f"On {found.done} of {found.pairs} pairs: those that all systems have a score with statistics for.",
        f"A cluster ends where all systems above are significantly better than all below, at {found.alpha:g}, by "
        f"paired randomization of the means, {found.samples:,} trials, adjusted after Holm for {tests}.",
        *found.notes,
    ]

    def seeds(row: Row) -> str:
        return " ".join(row["seeds"]) or "-"

    columns = [
        number("rank", digits=0), number("cluster", digits=0), word("system"), number("mean", found.metric),
        interval("low", "high"), number("wins", digits=0), number("losses", digits=0),
        Column("best_rank", "ranks", lambda row: _range(row["best_rank"], row["worst_rank"]),
               values=("best_rank", "worst_rank")),
    ]  # fmt: skip
    if any(each.seeds for each in found.systems):
        columns.append(Column("seeds", "other seeds", seeds, right=False))
    rows = [each.model_dump(mode="json") | _facts(found) for each in found.systems]
    return Table(
        name="ranking", title=f"{grid}: systems by {found.metric} over {found.over} pairs, {weighing(found.micro)}"
              f"{f', lines with {found.lines}' if found.lines else ''}",
        columns=columns, content=rows, notes=notes, group="cluster", stub=3,
    )  # fmt: skip


def neighbours(grid: str, found: Ranking) -> Table:
    """Each system against the next."""
    rows = found.neighbours
    unit = "documents" if found.unit is Unit.DOCUMENT else "sentences"
    least = [each.detectable for each in found.differences]
    notes = [
        f"detectable: the smallest true difference of two systems so alike that a test at {found.alpha:g} finds four "
        f"times in five with these {found.units:,} {unit}; of every two systems {min(least):.2f} to {max(least):.2f}, "
        f"in the middle {median(least):.2f}. needed: so many {unit} would find the observed difference as often.",
        f"in the ranking: likewise where the test is one of {len(found.differences)}, which Holm asks for at most.",
    ]
    if any(each.agreement is not None for each in rows):
        notes.append(
            "people agree: of pairs of systems that differ by so much on one language pair, the share that people rank "
            "as the metric does (Kocmi et al. 2024); 50 is a coin toss."
        )
        notes += _unnoticed(found)
    return Table(
        name="neighbours", title=f"{grid}: each system against the next, {found.metric}",
        columns=_columns(rows, found.metric),
        content=[_row(each, found) for each in rows], notes=notes, stub=2,
    )  # fmt: skip


def shares(grid: str, found: Ranking) -> Table:
    """What the pairs of each partition add to the difference between the first system and each other."""
    first = found.systems[0].system
    return Table(
        name="shares", title=f"{grid}: by how much {first} is ahead of each system, by partition of the pairs",
        columns=[word("system"), word("partition"), word("partitions_of", "under"), number("pairs", digits=0),
                 number("ahead", "adds", digits=2, sign=True), number("share", "% of the difference", digits=0)],
        content=[each.model_dump(mode="json") | _facts(found) for each in found.shares], group="system",
        notes=["Partitions are the system's own; where all pairs are alike to it, those of the first."], stub=2,
    )  # fmt: skip


def differences(grid: str, found: Ranking) -> Table:
    """Every two systems."""
    return Table(
        name="differences", title=f"{grid}: every two systems, {found.metric}", stub=2,
        columns=_columns(found.differences, found.metric),
        content=[_row(each, found) for each in found.differences], detail=True,
    )  # fmt: skip


def _columns(rows: Sequence[SystemDifference], metric: str) -> list[Column]:
    digits = digits_of(metric) + 1
    columns = [
        word("better"), word("worse", "against"), number("ahead", digits=digits, sign=True),
        interval("low", "high", digits=digits, sign=True), p_value("p_value", "p"), p_value("adjusted", "adjusted p"),
        Column("significant", "significant", lambda row: "yes" if row["significant"] else "no", right=False),
        number("detectable", digits=digits), number("detectable_of_all", "in the ranking", digits),
        Column("sentences", "needed", lambda row: "-" if row["sentences"] is None else f"{row['sentences']:,}"),
    ]  # fmt: skip
    if any(each.agreement is not None for each in rows):
        columns.append(number("agreement", "people agree %", digits=0))
    return columns


def _row(each: SystemDifference, found: Ranking) -> Row:
    return each.model_dump(mode="json") | _facts(found)


def _unnoticed(found: Ranking) -> list[str]:
    """The warning about differences that are significant and too small to be noticed."""
    small = [
        f"{each.better} over {each.worse} ({each.agreement:.0f}%)"
        for each in found.neighbours
        if each.significant and each.agreement is not None and each.agreement < NOTICED
    ]
    if not small:
        return []
    rest = f" and {len(small) - _NAMED} more" if len(small) > _NAMED else ""
    return [
        f"Significant, but too small to be noticed, as people would agree in fewer than {NOTICED:.0f} of 100 cases: "
        f"{', '.join(small[:_NAMED])}{rest}."
    ]


def _facts(found: Ranking) -> dict[str, Any]:
    """What CSV and JSON say of the whole ranking in each row."""
    return {
        "metric": found.metric,
        "test_set": found.test_set,
        "lines": found.lines,
        "over": found.over,
        "done": found.done,
        "of_pairs": found.pairs,
        "units": found.units,
        "unit": found.unit.value,
        "test": "randomization",
        "samples": found.samples,
        "correction": "holm",
        "alpha": found.alpha,
        "seed": found.seed,
        "signature": list(found.signatures),
        "notes": " ".join(found.notes),
    }


def _range(best: int, worst: int) -> str:
    return str(best) if best == worst else f"{best}-{worst}"
