"""Tables of the labels of test lines, and of the slices they make: each system on each domain, document or origin."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from dragoman.analysis.aggregation import ALL
from dragoman.analysis.caption import caption_line, captions_of
from dragoman.analysis.line_labels import counted, slices_by
from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.segment_statistics import MOST_PAIRS
from dragoman.line_filter import LineFilter
from dragoman.metrics.lookup import digits_of, metric_class
from dragoman.pair import Pair
from dragoman.planning.plan import Plan
from dragoman.planning.planned_test_set import PlannedTestSet
from dragoman.reports.choices import chosen_systems, weighing
from dragoman.reports.planned_test_sets import columns_of, of_test_set
from dragoman.store.line_labels import labels_of
from dragoman.store.store import Store
from dragoman.tables.table import Column, Row, Table, interval, number, share, word

MOST_SLICES = 30
"""Values of a label that have rows; each is scored anew from the stored statistics."""


MOST_VALUES = 12
"""Values of one label that a plan shows."""


def by_label(store: Store, question: ScoreQuestion, *, models: Sequence[str], label: str) -> Table:
    """Each system's mean over all pairs on the lines of each value of a label, with its gain over the base.

    Args:
        store: the store.
        question: the query; its lines are parted further.
        models: names of the models.
        label: name of the label.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
        LineFilterError: the query's filter of lines can't be read.
    """
    values = slices_by(store, question.grid, label, question.lines)
    systems = chosen_systems(store, question, models)
    asked = LineFilter.parse(question.lines).conditions if question.lines else ()
    rows: list[Row] = []
    notes: dict[str, None] = {}
    has_few, kind = False, metric_class(question.metric)
    for value in values[:MOST_SLICES]:
        part = replace(question, lines=str(LineFilter((*asked, (label, value)))))
        captions = captions_of(store, part, systems)
        for system, caption in captions.items():
            if caption.sentences_most is None:
                continue  # no line of this test set
            has_few |= caption.warning is not None
            own = replace(part, prompt=system.prompt)
            table = partition_table(store, own, model=system.model)
            row = next(row for row in table if row.scope == ALL)
            notes |= dict.fromkeys([row.note] if row.note else [])
            said = {"label": label, "value": value, "model": system.model, "prompt": system.asked_with}
            figures = row.model_dump(mode="json", exclude={"scope"})
            rows.append({**said, **caption.facts, **figures})
    if has_few and kind is not None:
        few = f"With fewer than {kind.fewest_lines} lines {question.metric} hangs on single sentences"
        notes[f"{few}: read the intervals."] = None
    if len(values) > MOST_SLICES:
        notes[f"The {MOST_SLICES} values with the most lines, of {len(values):,}."] = None
    several = len({system.prompt for system in systems}) > 1
    has_gain = any(row["gain"] is not None for row in rows)
    digits = digits_of(question.metric)
    gain = [
        number("base_mean", "base", digits), number("gain", digits=digits, sign=True),
        interval("gain_low", "gain_high", digits=digits, sign=True),
    ]  # fmt: skip
    whole = {each.within(each.grid): caption for each, caption in captions_of(store, question, systems).items()}
    return Table(
        name="slices",
        title=f"{question.grid}: mean {question.metric} by {label} of the test lines, {weighing(question.micro)}",
        columns=[word("value", label), word("model"), *([word("prompt")] if several else []),
                 Column("sentences_least", "lines a pair", _lines, values=("sentences_least", "sentences_most")),
                 share("pairs", "done", "pairs"), number("mean", question.metric, digits),
                 interval("low", "high", digits=digits),
                 *(gain if has_gain else [])],
        content=rows, notes=list(notes), group="value", stub=2 + several, caption=caption_line(whole),
    )  # fmt: skip


def labels(planned: Plan) -> Table:
    """The labels of the test lines, which slices go by: how many lines have each value; none of grids too large."""
    rows: list[Row] = []
    notes = []
    for test_set in planned.test_sets:
        own, many = _labels_of(test_set)
        rows += own
        if many:
            said = f"{' and '.join(many)}: the {MOST_VALUES} most frequent are shown."
            notes.append(test_set.within(said))
    named = columns_of(planned)
    return Table(
        name="labels", title="Labels of the test lines, for slices", content=rows, group=("test_set", "label"),
        stub=2 + len(named), notes=notes,
        columns=[*named, word("label"), word("value"), share("lines", "lines", "of_lines"),
                 number("in_pairs", "in pairs", digits=0)],
    )  # fmt: skip


def _labels_of(test_set: PlannedTestSet) -> tuple[list[Row], list[str]]:
    """The rows of one test set, and which labels have more values than are shown."""
    counts: dict[str, Counter[str]] = {}
    lines, pairs = 0, dict[tuple[str, str], set[Pair]]()
    for pair in test_set.contents if len(test_set.contents) <= MOST_PAIRS else ():
        located = test_set.lines.located(pair)
        lines += len(located)
        for label, its in counted([(pair, labels_of(located))]).items():
            counts.setdefault(label, Counter()).update(its)
            for value in its:
                pairs.setdefault((label, value), set()).add(pair)
    rows: list[Row] = [
        {**of_test_set(test_set), "label": label, "value": value, "lines": count, "of_lines": lines,
         "in_pairs": len(pairs[label, value]), "values": len(its)}
        for label, its in counts.items()
        for value, count in its.most_common(MOST_VALUES)
    ]  # fmt: skip
    return rows, [f"{label} has {len(its):,} values" for label, its in counts.items() if len(its) > MOST_VALUES]


def _lines(row: Row) -> str:
    least, most = row["sentences_least"], row["sentences_most"]
    return f"{most:,}" if least == most else f"{least:,}-{most:,}"
