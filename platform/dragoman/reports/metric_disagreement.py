"""Report of how metrics disagree: ranks side by side, agreement of every two, and the sentences they see most apart."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from dragoman.analysis.aggregation import ALL, SCOPES
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import metric_names
from dragoman.disagreement.metrics import MetricDisagreement, metric_disagreement
from dragoman.errors import StoreError
from dragoman.figures import new_figure, series_style
from dragoman.metrics.lookup import digits_of
from dragoman.reports.analysis_report import AnalysisReport, Choice, Drawing, texts_of
from dragoman.store.store import Store
from dragoman.tables.table import Column, Row, Table, figure, interval, number, probability, spaced, word

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "metrics"
"""Name of the analysis, and of its command."""

_SHOWN = 60
"""Characters of a text that tables show; CSV and JSON have all of it."""


def report_of_page(store: Store, asked: Mapping[str, str]) -> AnalysisReport:
    """The report that an address asks for.

    Raises:
        StoreError: something named is not there.
    """
    both = asked.get("first"), asked.get("second")
    if any(both) and not all(both):
        raise StoreError("The address names one metric whose sentences are compared: name first and second.")
    question = ScoreQuestion(
        asked["grid"], "", prompt=asked.get("prompt"), test_set=asked.get("test_set"), lines=asked.get("lines")
    )
    over = asked.get("over", ALL)
    found = metric_disagreement(
        store, question, over=over, between=(both[0] or "", both[1] or "") if all(both) else None
    )
    names = metric_names(store, question.grid)
    return report(question, found, over, names)


def report(question: ScoreQuestion, found: MetricDisagreement, over: str, known: list[str]) -> AnalysisReport:
    """A disagreement as people get it.

    Args:
        question: what was asked for.
        found: what was found.
        over: the scope of the pairs.
        known: the metrics that there are to choose from.
    """
    first, second = found.between
    of_lines = f", lines with {question.lines}" if question.lines else ""
    about = (
        f"{len(found.metrics)} metrics of the same {len(found.systems)} systems on the same {len(found.pairs)} "
        f"language pair{'s' if len(found.pairs) != 1 else ''} (over {over}{of_lines}).",
    )
    return AnalysisReport(
        name=NAME,
        title="Where metrics disagree",
        subject=question.grid,
        about=about,
        tables=(_ranks(question.grid, found), _agreement(question.grid, found), _apart(question.grid, found)),
        drawings=(
            Drawing(
                "ranks", "Ranks of the systems by each metric",
                f"A line for each of {len(found.systems)} systems from metric to metric, the best rank on top; lines "
                "cross where two metrics disagree.",
                partial(_drawn, found), "ranks",
            ),
        ),
        notes=found.notes,
        choices=(
            Choice("over", "Pairs", texts_of(SCOPES), over),
            Choice("first", "Sentences by", tuple((each, each) for each in known), first),
            Choice("second", "against", tuple((each, each) for each in known), second),
        ),
    )  # fmt: skip


def _ranks(grid: str, found: MetricDisagreement) -> Table:
    """The systems, by their mean rank, with the rank and the mean of each metric."""
    by_system: dict[str, dict[str, object]] = {}
    for each in found.ranks:
        row = by_system.setdefault(each.system, {"system": each.system})
        level = each.level
        row |= {f"{each.metric} rank": each.rank, f"{each.metric} mean": level.value}
        row |= {f"{each.metric} low": level.low, f"{each.metric} high": level.high}
    columns = [word("system")]
    for metric in found.metrics:
        columns += [number(f"{metric} rank", f"{metric} rank", digits=0), _mean(metric)]
    ranks = {system: [each.rank for each in found.ranks if each.system == system] for system in by_system}
    rows = sorted(by_system.values(), key=lambda row: (sum(ranks[str(row["system"])]), str(row["system"])))
    note = "By mean rank; where two metrics rank two systems in opposite order, they disagree on which is better."
    return Table(name="ranks", title=f"{grid}: systems by each metric", columns=columns, content=rows, notes=[note])


def _mean(metric: str) -> Column:
    digits = digits_of(metric)

    def text(row: Row) -> str:
        ends = (figure(row[f"{metric} {end}"], digits) for end in ("low", "high"))
        return f"{figure(row[f'{metric} mean'], digits)} [{', '.join(ends)}]"

    values = tuple(f"{metric} {what}" for what in ("mean", "low", "high"))
    return Column(values[0], f"{metric} mean", text, values=values)


def _agreement(grid: str, found: MetricDisagreement) -> Table:
    """Every two metrics by every measure."""
    rows = [
        {"first": each.first, "second": each.second, "measure": each.measure, "estimate": each.estimate,
         "low": each.low, "high": each.high, "p": each.p, "n": each.n}
        for each in found.agreements
    ]  # fmt: skip
    notes = [
        "Soft accuracy: 1 where both are as sure of every two systems, of n pairs of systems; system Kendall: "
        "Kendall's tau-b of the means of n systems; segment Kendall: that of n translations, within each language pair "
        "and averaged over the pairs, with an interval from resampled pairs."
    ]
    return Table(
        name="agreement", title=f"{grid}: agreement of every two metrics", content=rows, notes=notes,
        group=("first", "second"), stub=3,
        columns=[
            word("first"), word("second"), spaced("measure"), number("estimate", digits=3),
            interval("low", "high", digits=3),
            Column("p", "p", lambda row: "-" if row["p"] is None else probability(row["p"])), number("n", digits=0),
        ],
    )  # fmt: skip


def _apart(grid: str, found: MetricDisagreement) -> Table:
    """The translations that two metrics see most apart."""
    first, second = found.between
    rows = [
        {**each.pair._asdict(), "system": each.system, "line": each.line, first: each.first, second: each.second,
         f"{first} z": each.first_z, f"{second} z": each.second_z, "difference": each.difference,
         "source_line": each.source, "hypothesis": each.hypothesis, "reference": each.reference}
        for each in found.apart
    ]  # fmt: skip
    notes = [
        f"Scores less the mean of all translations of the pair, in standard deviations, the higher the better; above 0 "
        f"{first} thinks better of it than {second}."
    ]
    scores = [number(first, first, digits_of(first)), number(second, second, digits_of(second))]
    columns = [
        word("source"), word("target"), word("system"), number("line", digits=0), *scores,
        number(f"{first} z", f"{first} z", digits=2), number(f"{second} z", f"{second} z", digits=2),
        number("difference", digits=2, sign=True),
        *map(_text, ("source_line", "hypothesis", "reference")),
    ]  # fmt: skip
    title = f"{grid}: sentences that {first} and {second} see most apart"
    return Table(name="apart", title=title, content=rows, columns=columns, notes=notes, stub=4)


def _text(key: str) -> Column:
    def cut(row: Row) -> str:
        text = str(row[key])
        return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"

    return Column(key, key.replace("_", " "), cut, right=False)


def _drawn(found: MetricDisagreement) -> "Figure":
    chart, axes = new_figure("column" if len(found.metrics) < 4 else "page")
    places = range(len(found.metrics))
    for number_, system in enumerate(found.systems):
        ranks = {each.metric: each.rank for each in found.ranks if each.system == system}
        style = series_style(number_)
        ranked = [ranks[metric] for metric in found.metrics]
        axes.plot(places, ranked, marker=style.marker, color=style.color, label=system)
    if len(found.metrics) > 3:
        axes.set_xticks(places, found.metrics, rotation=30, ha="right", rotation_mode="anchor")
    else:
        axes.set_xticks(places, found.metrics)
    axes.set_yticks(range(1, len(found.systems) + 1))
    axes.invert_yaxis()
    axes.set_ylabel("rank")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return chart
