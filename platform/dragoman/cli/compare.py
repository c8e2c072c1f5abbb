"""`dragoman compare`: one model of a grid against another, on the pairs both have."""

from collections.abc import Sequence
from typing import Annotated

import typer

from dragoman.analysis.comparison import Comparison
from dragoman.analysis.comparison import compare as compare_models
from dragoman.analysis.pair_differences import higher_is_better
from dragoman.analysis.pair_tests import ALPHA, FEWEST_ASKED, MOST_ASKED
from dragoman.cli.arguments import (
    GridArgument,
    MetricOption,
    MicroOption,
    PromptOption,
    SignatureOption,
    chosen_metric,
    complete_models,
    open_store,
    weighing,
)
from dragoman.cli.output import printed
from dragoman.metrics.significance import Correction, Test
from dragoman.tables.table import Column, Row, Table, interval, number, of_pair, word

SHOWN = 10
"""Pairs shown among the largest losses, and among the largest gains."""


@printed
def compare(
    grid: GridArgument,
    a: Annotated[
        str, typer.Argument(metavar="A", help="The model compared with: a baseline.", autocompletion=complete_models)
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="The model in question.", autocompletion=complete_models)],
    metric: MetricOption = None,
    prompt: PromptOption = None,
    signature: SignatureOption = None,
    test: Annotated[
        Test, typer.Option(help="The test of each pair; intervals: of the two scores alone, not of their segments.")
    ] = Test.BOOTSTRAP,
    correction: Annotated[
        Correction, typer.Option(help="How p-values are adjusted for the number of pairs; bh: Benjamini-Hochberg.")
    ] = Correction.HOLM,
    alpha: Annotated[float, typer.Option(help="Adjusted p-values up to this are significant.")] = ALPHA,
    samples: Annotated[
        int | None,
        typer.Option(
            min=FEWEST_ASKED,
            max=MOST_ASKED,
            help="Resamples, or trials, of each test; by default enough for the number of pairs.",
        ),
    ] = None,
    micro: MicroOption = False,
    top: Annotated[int, typer.Option(min=1, help="Pairs shown among the largest losses and gains.")] = SHOWN,
) -> Sequence[Table]:
    """Compare model B with model A on the pairs both have a score for: B minus A.

    Both are asked with the grid's first prompt, or with the one named; MODEL:PROMPT is a model asked with another, and
    a baseline's name stands for what the spec says of it; GRID/MODEL is a model of another grid, compared on the pairs
    that both grids have. Each pair is tested with a paired test from the stored statistics, or, where there are none
    and where pairs are too many, by the two scores' intervals; p-values are adjusted for the number of pairs. Scopes
    are B's partitions; their intervals resample all pairs jointly. Tables: scopes, losses, gains, pairs.

    Examples: dragoman compare demo base roles · dragoman compare demo five-shot roles ·
    dragoman compare demo english-centric roles --metric chrf++ --correction bh ·
    dragoman compare sweep-1 roles sweep-2/roles ·
    dragoman compare demo base roles --table pairs --csv
    """
    store = open_store()
    metric = chosen_metric(store, grid, metric)
    found = compare_models(
        store, grid, a, b, metric, signature, test, correction, alpha, samples, prompt=prompt, micro=micro
    )
    return tables(grid, found, top)


def tables(grid: str, found: Comparison, top: int) -> list[Table]:
    """A comparison's tables: scopes, the largest losses and gains, so many of each, and every pair."""
    return [scopes(grid, found), *extremes(grid, found, top), pairs(grid, found)]


def scopes(grid: str, found: Comparison) -> Table:
    """The partitions of model b, or `unseen` and `all`, each taken together."""

    def count(what: str) -> Column:
        def text(row: Row) -> str:
            significant = row[f"significant_{what}"]
            return str(row[what]) if significant is None else f"{row[what]} ({significant})"

        return Column(what, text)

    notes = [found.note] if found.note else []
    notes += ["Only pairs that both models have a score for; interval and p of a scope resample all its pairs jointly."]
    if found.how:
        notes.append(f"In brackets: significant at {found.alpha:g} {found.how}.")
    return Table(
        name="scopes",
        title=f"{grid}: {found.metric} of {found.b} minus {found.a}, by partition of {found.b}, "
              f"{weighing(found.micro)}",
        columns=[word("scope"), Column("pairs", lambda row: f"{row['done']} of {row['pairs']}"),
                 number("mean_a", found.a), number("mean_b", found.b), number("delta", sign=True),
                 interval("low", "high", sign=True), number("p_value", "p", digits=4),
                 count("wins"), count("losses"), number("ties", digits=0)],
        content=[scope.model_dump(mode="json") for scope in found.scopes], notes=notes,
    )  # fmt: skip


def extremes(grid: str, found: Comparison, top: int) -> list[Table]:
    """The largest losses, then the largest gains."""
    sign = 1 if higher_is_better(found.metric) else -1
    ordered = sorted(found.pairs, key=lambda difference: (sign * difference.delta, difference.pair))
    losses = [difference for difference in ordered if sign * difference.delta < 0][:top]
    gains = [difference for difference in reversed(ordered) if sign * difference.delta > 0][:top]
    titles = {"losses": f"{grid}: where {found.b} is worst against {found.a}", "gains": f"{grid}: where it is best"}
    return [
        _differences(name, titles[name], found, [of_pair(difference) for difference in chosen])
        for name, chosen in (("losses", losses), ("gains", gains))
    ]


def pairs(grid: str, found: Comparison) -> Table:
    """Every pair both have."""
    rows = [of_pair(difference) for difference in found.pairs]
    return _differences("pairs", f"{grid}: {found.b} minus {found.a}, pair by pair", found, rows, detail=True)


def _differences(name: str, title: str, found: Comparison, rows: Sequence[Row], detail: bool = False) -> Table:
    return Table(
        name=name, title=title, content=rows, detail=detail, stub=2,
        columns=[word("source"), word("target"), word("partition_b", "partition"), number("a", found.a),
                 number("b", found.b), number("delta", sign=True), interval("low", "high", sign=True),
                 number("p_value", "p", digits=4), number("adjusted", "adjusted p", digits=4)],
    )  # fmt: skip
