"""Report of claims: each with its verdict, the estimate and what it rests on."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dragoman.claims import Answer, ClaimFile, ClaimsError, Verdict, answered, read_claims
from dragoman.errors import nearest
from dragoman.figures import COLORS
from dragoman.reports.analysis_report import AnalysisReport, Choice, Drawing, texts_of
from dragoman.reports.effect_figures import interval_rows
from dragoman.reports.findings import of_finding
from dragoman.settings import settings
from dragoman.store.store import Store
from dragoman.tables.table import Column, Decoration, Row, Table, figure, interval, number, p_value, word

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME, TITLE = "claims", "Claims"

_STYLES = {Verdict.HOLDS: "green", Verdict.FAILS: "red", Verdict.TOO_FEW: "yellow"}
_MARKERS = {Verdict.HOLDS: "o", Verdict.FAILS: "X", Verdict.TOO_FEW: "D"}
_COLOR = {Verdict.HOLDS: COLORS[2], Verdict.FAILS: COLORS[1], Verdict.TOO_FEW: COLORS[6]}
_SHOWN = 12
"""Digits of the hash of cells that people are shown."""

_WIDEST = 3.0
"""Half-widths of an interval that the figure's axis reaches to at least."""


def claims_report(store: Store, file: ClaimFile) -> AnalysisReport:
    """The claims of a file with their answers.

    Raises:
        StoreError: there is no campaign or grid of a name.
    """
    answers = answered(store, file)
    counted = Counter(answer.verdict for answer in answers)
    said = ", ".join(f"{verdict} {counted[verdict]}" for verdict in Verdict)
    shown = [answer for answer in answers if _place(answer) is not None]
    drawings = []
    if shown:
        alt = f"{said}; a line for each claim, from its value, in half-widths of its interval."
        drawings.append(Drawing("claims", "Claims by distance from their value", alt, _drawn(shown), "claims"))
    subjects = list(dict.fromkeys(str(claim.over) for claim in file.claims))
    about = f"{file.says} " if file.says else ""
    return AnalysisReport(
        name=NAME, title=TITLE, subject=subjects[0], kind="campaign", about=(f"{about}{len(answers)} claims: {said}.",),
        tables=(claims_table(file, answers), asked_table(file, answers)), drawings=tuple(drawings),
    )  # fmt: skip


def kept_claims() -> dict[str, Path]:
    """The files of claims that pages show, by name: those in the home's folder `claims`."""
    folder = settings().home / "claims"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))} if folder.is_dir() else {}


def version() -> str:
    """A version that changes whenever a file of kept claims does."""
    stats = {name: path.stat() for name, path in kept_claims().items()}
    return " ".join(f"{name} {found.st_mtime_ns} {found.st_size}" for name, found in stats.items())


def claims_page(store: Store, asked: Mapping[str, str]) -> AnalysisReport:
    """The claims about a campaign that an address asks for: those of a file in the home's folder.

    Raises:
        ClaimsError: there are none, or not of that name.
    """
    campaign = asked["campaign"]
    files = {name: read_claims(path) for name, path in kept_claims().items()}
    files = {name: file for name, file in files.items() if any(claim.over == campaign for claim in file.claims)}
    if not files:
        raise ClaimsError(
            f"No claims about {campaign} are kept here: `dragoman claims FILE --keep` keeps a file of them."
        )
    name = asked.get("file", next(iter(files)))
    if name not in files:
        raise ClaimsError(f"There is no file '{name}' of claims about {campaign}: {nearest(name, files)}")
    report = claims_report(store, files[name])
    choice = Choice("file", "Claims", texts_of(list(files)), name)
    return replace(report, subject=campaign, choices=(choice,))


def claims_table(file: ClaimFile, answers: Sequence[Answer]) -> Table:
    """The claims and their verdicts."""
    rows = [_row(answer) for answer in answers]
    levels = dict.fromkeys(f"{answer.alpha:g}" for answer in answers)
    adjusted = "adjusted after Holm for the claims that were tested" if file.correction == "holm" else "not adjusted"
    reasons = dict.fromkeys(row["why"] for row in rows if row["why"])
    notes = [
        f"holds: p, one-sided unless it is claimed that something differs, and {adjusted}, is at most "
        f"{' or '.join(levels)}. Intervals are of 95% and not adjusted.",
        *(f"{', '.join(row['claim'] for row in rows if row['why'] == why)}: {why}" for why in reasons),
    ]
    counted = list(dict.fromkeys(row["of_what"] for row in rows if row["of_what"]))
    notes += [f"n: {'; '.join(counted)}."] if counted else []

    def verdict(row: Row) -> str:
        return str(row["verdict"])

    return Table(
        name="claims", title=f"{file.name}: claims",
        columns=[
            Column("verdict", "verdict", verdict, right=False, style=lambda row: _STYLES[Verdict(row["verdict"])],
                   page=Decoration(html=lambda row: f"{Verdict(row['verdict']).mark} {row['verdict']}")),
            word("claim"), word("says", "in words"),
            Column("claimed", "claimed", _claimed, values=("direction", "value")),
            number("estimate", digits=2, sign=True), interval("low", "high", digits=2, sign=True),
            p_value("adjusted", "p"), Column("n", "n", lambda row: f"{row['n']:,}", values=("n", "of_what")),
            Column("cells", "cells", lambda row: row["cells"][:_SHOWN] or "-", right=False),
        ],
        content=rows, notes=notes, stub=2,
    )  # fmt: skip


def asked_table(file: ClaimFile, answers: Sequence[Answer]) -> Table:
    """What was asked for each claim."""
    rows = [
        {"claim": answer.claim.name, "question": answer.claim.question, "title": answer.title,
         "over": answer.claim.over, "metric": answer.claim.metric, "asked": _asked(answer)}
        for answer in answers
    ]  # fmt: skip
    return Table(
        name="asked", title=f"{file.name}: what was asked",
        columns=[word("claim"), word("question"), word("title", "estimate"), word("over"), word("metric"),
                 word("asked", "with")],
        content=rows, detail=True,
    )  # fmt: skip


def _row(answer: Answer) -> dict[str, Any]:
    found = of_finding(answer.finding)
    return {
        "verdict": answer.verdict.value, "claim": answer.claim.name, "says": answer.claim.says,
        "direction": answer.claim.direction, "value": answer.claim.value, **found, "p_one_sided": answer.p,
        "adjusted": answer.adjusted, "alpha": answer.alpha, "cells": answer.finding.cells, "why": answer.why,
    }  # fmt: skip


def _claimed(row: Row) -> str:
    signs = {"above": ">", "below": "<", "differs": "not"}
    return f"{signs[row['direction']]} {figure(row['value'], 0 if row['value'] == round(row['value']) else 2)}"


def _asked(answer: Answer) -> str:
    said = dict(answer.claim.options)
    for name in ("test_set", "prompt", "signature", "decoding", "lines"):
        if getattr(answer.claim, name) is not None:
            said[name] = getattr(answer.claim, name)
    return ", ".join(f"{key} {value}" for key, value in said.items()) or "-"


def _place(answer: Answer) -> tuple[float, float] | None:
    """An estimate's distance from its value, and the half-width of its interval; None without an interval."""
    finding = answer.finding
    if finding.estimate is None or finding.low is None or finding.high is None or finding.high <= finding.low:
        return None
    return finding.estimate - answer.claim.value, (finding.high - finding.low) / 2


def _drawn(answers: Sequence[Answer]) -> Any:
    def draw() -> "Figure":
        drawing, axes = interval_rows([answer.claim.name for answer in answers])
        reach, named = _WIDEST, set[Verdict]()
        for row, answer in enumerate(answers):
            distance, half = _place(answer) or (0.0, 1.0)
            place, color = distance / half, _COLOR[answer.verdict]
            axes.plot([place - 1, place + 1], [row, row], color=color)
            axes.plot(
                [place], [row], marker=_MARKERS[answer.verdict], color=color, linestyle="none",
                markerfacecolor="white" if answer.verdict is Verdict.TOO_FEW else color,
                label=None if answer.verdict in named else answer.verdict.value,
            )  # fmt: skip
            named.add(answer.verdict)
            reach = max(reach, abs(place) + 1.2)
        axes.set_xlim(-reach, reach)
        drawing.legend(loc="outside upper center", ncols=len(named))
        axes.set_xlabel("distance from the value,\nin half-widths of the 95% interval")
        return drawing

    return draw
