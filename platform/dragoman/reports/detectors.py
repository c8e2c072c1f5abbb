"""Report of language detectors held to the references of a grid: `dragoman detectors`, its page and its figure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.test_sets import test_sets_of
from dragoman.error_profile.detector_rates import MOST, Confusion, DetectorCheck, check_detectors
from dragoman.errors import StoreError, nearest
from dragoman.metrics.base import MetricNeedError
from dragoman.metrics.detectors.base import identifier
from dragoman.plugins import available
from dragoman.reports.analysis_report import AnalysisReport, Choice, Drawing
from dragoman.reports.language_matrix import language_matrix
from dragoman.store.store import Store
from dragoman.tables.table import Table, interval, number, word


def usable_detectors() -> list[str]:
    """The language identifiers that have all they need here."""
    found = []
    for name in sorted(available("detectors")):
        try:
            _ = identifier(name).version
        except MetricNeedError:
            continue
        found.append(name)
    return found


def detector_report(store: Store, question: ScoreQuestion, detectors: Sequence[str] = ()) -> AnalysisReport:
    """Detectors on the references of a grid.

    Args:
        store: the store.
        question: the grid and the test set.
        detectors: names of language identifiers; by default those that have all they need here.

    Raises:
        StoreError: a detector or the grid is unknown, or there are no test lines.
        MetricNeedError: a detector lacks a package or its model, with the remedy.
    """
    for name in detectors:
        if name not in available("detectors"):
            raise StoreError(f"There is no detector '{name}'; {nearest(name, available('detectors'))}")
        _ = identifier(name).version
    found = check_detectors(store, question, detectors or usable_detectors())
    languages = {each.language for each in found.rates}
    test_sets = test_sets_of(store, question.grid)
    return AnalysisReport(
        name="detectors",
        title="Language detectors",
        subject=question.grid,
        about=(
            f"Over {len(languages)} languages: at most {MOST} different references each, spread over the test set, "
            "judged among the languages of the grid.",
        ),
        tables=(_rates(question.grid, found), _confusions(question.grid, found), _signatures(question.grid, found)),
        drawings=tuple(
            _matrix(name, found.confusions) for name in dict.fromkeys(each.detector for each in found.rates)
        ),
        notes=tuple(f"{each.detector} does not judge {each.language}: {each.reason}" for each in found.unjudged),
        choices=(Choice("test_set", "Test set", tuple((each, each) for each in test_sets), question.test_set or ""),)
        if len(test_sets) > 1
        else (),
    )


def detectors_page(store: Store, arguments: Mapping[str, str]) -> AnalysisReport:
    """The report that an address asks for: `grid`, `test_set` and `detector`.

    Raises:
        StoreError: as `detector_report`.
    """
    question = ScoreQuestion(arguments["grid"], "off_target", test_set=arguments.get("test_set"))
    named = arguments.get("detector")
    return detector_report(store, question, [named] if named else [])


def _rates(grid: str, found: DetectorCheck) -> Table:
    return Table(
        name="detectors",
        title=f"{grid}: references that each detector judges wrongly, in percent",
        content=[asdict(each) for each in found.rates],
        columns=[
            word("detector"),
            word("language"),
            number("estimate", "off-target %"),
            interval("low", "high"),
            number("undecided", "undecided %"),
            number("n", "references", digits=0),
        ],
        group="detector",
        stub=2,
    )


def _confusions(grid: str, found: DetectorCheck) -> Table:
    return Table(
        name="confusion",
        title=f"{grid}: the language of references, and the language found",
        content=[asdict(each) for each in found.confusions],
        columns=[
            word("detector"),
            word("asked", "language"),
            word("found"),
            number("sentences", digits=0),
            number("estimate", "%"),
            number("n", "references", digits=0),
        ],
        group=("detector", "asked"),
        stub=2,
        detail=True,
    )


def _signatures(grid: str, found: DetectorCheck) -> Table:
    signatures = dict.fromkeys((each.detector, each.signature) for each in found.rates)
    return Table(
        name="signatures",
        title=f"{grid}: signatures of the detectors",
        content=[{"detector": name, "signature": signature} for name, signature in signatures],
        columns=[word("detector"), word("signature")],
        detail=True,
    )


def _matrix(detector: str, confusions: Sequence[Confusion]) -> Drawing:
    own = [each for each in confusions if each.detector == detector]
    draw = language_matrix([(each.asked, each.found, each.estimate) for each in own], rows="language of the reference")
    right = sum(each.sentences for each in own if each.asked == each.found)
    total = sum(each.sentences for each in own)
    alt = f"Of {total} references {detector} finds {right} in their own language, percent of each row."
    return Drawing(detector, f"What {detector} takes references for", alt, draw, "confusion")
