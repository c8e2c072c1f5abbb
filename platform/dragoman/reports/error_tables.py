"""Tables of an error profile."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from dragoman.analysis.systems import System
from dragoman.error_profile.fidelity import Fidelity
from dragoman.error_profile.flows import Category, Flow
from dragoman.error_profile.paired_tests import RateDifference
from dragoman.error_profile.rates import LabelRate
from dragoman.metrics.errors.label import Label
from dragoman.tables.table import Column, Row, Table, interval, number, p_value, spaced, word

ANY = "any"
"""The row of hypotheses with any label."""

_MEASURES = {
    "errors": "Rates are of all hypotheses, each label by itself; 'first' is the share of which a label is the first "
    "to match, in the order of the rows, so that these add up to 'any'. This is the mFTI paper's view with two of its "
    "faults mended: text in the source language counts as wrong language, and a word that comes twice, or as often as "
    "in the reference, as no oscillation.",
    "references": "'On references' is the rate of the same label on the references, examined as though they were "
    "hypotheses with no reference to excuse them: about its rate of false alarms, if an upper one.",
}

_LABEL = Column("label", "error", lambda row: _title(row["label"]), right=False)

_PAIRS = Column("n", "pairs", lambda row: f"{row['n']} of {row['pairs']}", values=("n", "pairs"))


def _system_columns(has_prompts: bool) -> list[Column]:
    return [word("model"), *([word("prompt")] if has_prompts else [])]


def label_table(grid: str, rows: Sequence[LabelRate], has_prompts: bool, scope: str) -> Table:
    """Every label of a scope: a row for each, with intervals and first matches."""
    return Table(
        name="errors",
        title=f"{grid}: percent of hypotheses with each error, {scope.replace('_', ' ')} pairs",
        content=[_as_row(rate) for rate in rows],
        columns=[
            *_system_columns(has_prompts),
            _LABEL,
            number("estimate", "rate %"),
            interval("low", "high"),
            number("references", "on references"),
            number("first", "first"),
            interval("first_low", "first_high"),
            _PAIRS,
            number("sentences", digits=0),
        ],
        group=("model", "prompt"),
        notes=tuple(_MEASURES.values()),
    )


def scope_table(grid: str, rows: Sequence[LabelRate], has_prompts: bool) -> Table:
    """A row for each system and scope, a column for each label."""
    labels = {_column(rate.label): _title(_key(rate.label)) for rate in rows}
    by_system: dict[tuple[str, str | None, str], dict[str, Any]] = {}
    for rate in rows:
        row = by_system.setdefault((rate.model, rate.prompt, rate.scope), dict.fromkeys(labels))
        row[_column(rate.label)] = rate.estimate
        row["n"], row["pairs"] = max(rate.n, row.get("n", 0)), rate.pairs
    content = [
        {"model": model, "prompt": prompt, "scope": scope, **row} for (model, prompt, scope), row in by_system.items()
    ]
    return Table(
        name="partitions",
        title=f"{grid}: percent of hypotheses with each error, by partition",
        content=content,
        columns=[
            *_system_columns(has_prompts),
            spaced("scope"),
            *(number(label, title) for label, title in labels.items()),
            _PAIRS,
        ],
        group=("model", "prompt"),
        stub=2,
    )


def category_table(grid: str, streams: Sequence[Flow], has_prompts: bool) -> Table:
    """Where hypotheses went, in percent of all of a system's in a scope."""
    totals: dict[tuple[str, str | None, str], dict[Category, int]] = {}
    for flow in streams:
        row = totals.setdefault((flow.model, flow.prompt, flow.scope), dict.fromkeys(Category, 0))
        row[flow.category] += flow.sentences
    content = []
    for (model, prompt, scope), counts in totals.items():
        count = sum(counts.values())
        shares = {each.value: 100 * found / count for each, found in counts.items()}
        content.append({"model": model, "prompt": prompt, "scope": scope, **shares, "sentences": count})
    return Table(
        name="languages",
        title=f"{grid}: the language that hypotheses are in, percent of them",
        content=content,
        columns=[
            *_system_columns(has_prompts),
            spaced("scope"),
            *(number(each.value) for each in Category),
            number("sentences", digits=0),
        ],
        group=("model", "prompt"),
        stub=2,
    )


def flow_table(grid: str, streams: Sequence[Flow], has_prompts: bool) -> Table:
    """Every flow of hypotheses from the language asked for to the one found."""
    content = [asdict(flow) | {"category": flow.category.value} for flow in streams]
    return Table(
        name="flows",
        title=f"{grid}: the language asked for, and the language found",
        content=content,
        columns=[
            *_system_columns(has_prompts), spaced("scope"), word("asked"), word("found"), word("category"),
            number("sentences", digits=0), number("estimate", "% of those into it"), number("n", "into it", digits=0),
        ],
        group=("model", "prompt", "scope", "asked"),
        detail=True,
    )  # fmt: skip


def test_table(grid: str, tests: Sequence[tuple[System, RateDifference]], has_prompts: bool, against: str) -> Table:
    """The tests against another system."""
    content = [
        {"model": system.model, "prompt": system.asked_with, **asdict(found), "label": found.label.value}
        for system, found in tests
    ]
    return Table(
        name="tests",
        title=f"{grid}: rates against {against}, in percentage points",
        content=content,
        columns=[
            *_system_columns(has_prompts),
            spaced("scope"),
            _LABEL,
            number("against", against),
            number("rate"),
            number("estimate", "difference", sign=True),
            interval("low", "high", sign=True),
            p_value("p"),
            p_value("adjusted"),
            number("n", "pairs", digits=0),
        ],
        group=("model", "prompt"),
        notes=(
            "Paired randomization tests in which pairs that share sentences are dealt jointly; adjusted after Holm for "
            "all labels of a system. Below 0: fewer such errors.",
        ),
    )


def entity_table(grid: str, found: Sequence[Fidelity], has_prompts: bool, scope: str) -> Table:
    """How often entities came out right."""
    return Table(
        name="entities",
        title=f"{grid}: entities that came out right in the target language, {scope.replace('_', ' ')} pairs, %",
        content=[asdict(each) for each in found if each.scope == scope],
        columns=[
            *_system_columns(has_prompts),
            word("kind", "entities"),
            number("estimate", "right %"),
            interval("low", "high"),
            number("wrong", "another %"),
            number("lost", "none %"),
            number("references", "on references"),
            number("n", "sentences", digits=0),
        ],
        group=("model", "prompt"),
        notes=(
            "Decided for each sentence, not scored: its entities are known, and so are the forms that CLDR gives them "
            "in the target language. 'Another': one of that kind that is not meant stands there, or one too many; "
            "'none': nothing of that kind.",
        ),
    )


def rate_table(grid: str, rows: Sequence[LabelRate], has_prompts: bool) -> Table:
    """Every rate of every scope, for programs."""
    return Table(
        name="rates",
        title=f"{grid}: every rate",
        content=[_as_row(rate) for rate in rows],
        columns=[
            *_system_columns(has_prompts), spaced("scope"), word("label"), number("estimate"), interval("low", "high"),
            number("references"), number("first"), interval("first_low", "first_high"), number("n", digits=0),
            number("first_n", digits=0), number("pairs", digits=0), number("sentences", digits=0),
        ],
        group=("model", "prompt", "scope"),
        detail=True,
    )  # fmt: skip


def _as_row(rate: LabelRate) -> Row:
    return asdict(rate) | {"label": _key(rate.label)}


def _key(label: Label | None) -> str:
    return ANY if label is None else label.value


def _column(label: Label | None) -> str:
    return ANY if label is None else label.metric


def _title(label: str) -> str:
    return ANY if label == ANY else Label(label).facts.title
