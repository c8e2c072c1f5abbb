"""Tables of human judgements: sentences chosen for raters, scores of systems, agreement of raters and of metrics."""

from collections.abc import Sequence
from typing import Any

from dragoman.judgement.importing import Imported
from dragoman.judgement.metrics import MetricAgreements
from dragoman.judgement.raters import RaterAgreement
from dragoman.judgement.scores import HumanScores
from dragoman.judgement.selection import Choice
from dragoman.judgement.texts import GridTexts, PairTexts
from dragoman.pair import Pair
from dragoman.tables.table import Row, Table, interval, number, word

SENTENCE_SCORES = (
    "A metric's values are those of single sentences, which a corpus score is no mean of; BLEU of one sentence is "
    "rough, and 0 for one of fewer than four words."
)
"""What is to be said of metrics that are compared with people."""


def chosen(grid: str, texts: PairTexts, choice: Choice, notes: Sequence[str | None] = ()) -> Table:
    """The sentences chosen, the most telling documents first; with notes of one's own."""
    rows = [
        {
            "document": document.name, "line": line, "utility": choice.utilities.get(line),
            "source": texts.sources[line - 1], "test_set": texts.test_set, "pair": str(texts.pair),
            "chosen_by": choice.chosen_by,
        }
        for document in choice.documents
        for line in document.lines
    ]  # fmt: skip
    return Table(
        name="sentences", title=f"{grid}: {len(rows)} sentences of {texts} chosen by {choice.chosen_by}",
        content=rows, group="document", notes=[each for each in (choice.warning, *notes) if each],
        columns=[word("document"), number("line", digits=0), number("utility", digits=2), word("source")],
    )  # fmt: skip


def imported(grid: str, found: Imported) -> Table:
    """What a file has, by system and rater."""
    counts: dict[tuple[str, str, str, str], list[int]] = {}
    for each in found.found:
        key = (each.judged.test_set or "", each.judged.system, each.rating.rater, each.rating.protocol.value)
        own = counts.setdefault(key, [0, 0])
        own[0] += 1
        own[1] += len(each.rating.spans)
    rows = [
        {
            "test_set": test_set or None, "system": system, "rater": rater, "protocol": protocol,
            "judgements": judgements, "errors": errors,
        }
        for (test_set, system, rater, protocol), (judgements, errors) in sorted(counts.items())
    ]  # fmt: skip
    return Table(
        name="judgements", title=f"{grid}: judgements read", content=rows, group="system",
        columns=[*([word("test_set", "test set")] if any(row["test_set"] for row in rows) else []),
                 word("system"), word("rater"), word("protocol"), number("judgements", digits=0),
                 number("errors", digits=0)],
    )  # fmt: skip


def results(texts: GridTexts, found: HumanScores) -> Table:
    """The human scores of each system."""
    rows = [_of(texts) | each.model_dump(mode="json") | {"pair": _pair(each.pair)} for each in found.scores]
    protocols = sorted({each.protocol.value for each in found.scores})
    scales = {
        "mqm": "mqm: minus the weights of errors (major 5, minor 1, minor punctuation 0.1, non-translation 25, "
        "critical 25), 0 at best.",
        "esa": "esa: from 0 to 100 at best.",
        "da": "da: from 0 to 100 at best.",
    }
    notes = [
        *(scales[each] for each in protocols),
        "Intervals are by resampling sentences, with the same raters. z: on each rater's own scale. major, minor: "
        "errors a judgement.",
        *found.notes,
    ]
    return Table(
        name="scores", title=f"{_named(texts)}: systems as people judge them", content=rows, group=("protocol", "pair"),
        notes=[*(notes if rows else []), *_elsewhere(texts)], stub=3,
        columns=[word("protocol"), word("pair"), word("system"), number("score", digits=2),
                 interval("low", "high", digits=2), number("z", digits=2, sign=True), number("major", digits=2),
                 number("minor", digits=2), number("sentences", digits=0), number("judgements", digits=0),
                 number("raters", digits=0)],
    )  # fmt: skip


def agreement(texts: GridTexts, found: Sequence[RaterAgreement]) -> Table:
    """The agreement of raters."""
    rows: list[Row] = [_of(texts) | each.model_dump(mode="json") | {"pair": str(each.pair)} for each in found]
    notes = [
        "alpha: Krippendorff's, of values on an interval scale; 1 is agreement, 0 what chance gives. spans: F1 of the "
        "characters marked in translations, whatever the severity."
    ]
    return Table(
        name="agreement", title=f"{_named(texts)}: agreement of raters", content=rows, group=("protocol", "pair"),
        notes=[*(notes if rows else []), *_elsewhere(texts)], stub=4,
        columns=[word("protocol"), word("pair"), word("first", "rater"), word("second", "and"),
                 number("translations", digits=0), number("alpha", digits=3), number("pearson", "Pearson", digits=3),
                 number("kendall", "Kendall", digits=3), number("spans", digits=3)],
    )  # fmt: skip


def metrics(texts: GridTexts, found: MetricAgreements) -> Table:
    """The agreement of metrics with people."""
    rows = [_of(texts) | each.model_dump(mode="json") | {"pair": _pair(each.pair)} for each in found.metrics]
    notes = [
        "soft accuracy: 1 less the mean distance of the p-values, by the metric and by people, that one system is "
        "better than another. accuracy: translations of one sentence that are ordered as by people, with ties up to "
        "epsilon, which is chosen on the same sentences. Kendall, Pearson: of all translations.",
        SENTENCE_SCORES,
    ]
    return Table(
        name="metrics", title=f"{_named(texts)}: metrics held against people", content=rows, group=("protocol", "pair"),
        notes=[*(notes if rows else []), *found.notes, *_elsewhere(texts)], stub=3,
        columns=[word("protocol"), word("pair"), word("metric"), number("soft_accuracy", digits=3),
                 number("tie_accuracy", "accuracy", digits=3), number("epsilon", digits=2),
                 number("kendall", "Kendall", digits=3), number("pearson", "Pearson", digits=3),
                 number("systems", digits=0), number("sentences", digits=0)],
    )  # fmt: skip


def _pair(pair: Pair | None) -> str:
    return "mean" if pair is None else str(pair)


def _of(texts: GridTexts) -> dict[str, Any]:
    return {"test_set": texts.test_set}


def _named(texts: GridTexts) -> str:
    return texts.grid if texts.test_set is None else f"{texts.grid} on {texts.test_set}"


def _elsewhere(texts: GridTexts) -> list[str]:
    """That other test sets have judgements too, which are not in a table."""
    return [f"Judgements on {name} are a table of their own: ask for that test set." for name in texts.judged_elsewhere]
