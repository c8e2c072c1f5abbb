"""The table of a plan's test sets, and the columns and rows that tell them apart in its other tables."""

from dragoman.planning.plan import Plan
from dragoman.planning.planned_test_set import PlannedTestSet
from dragoman.spec.sentences import described
from dragoman.tables.table import Column, Row, Table, number, word


def test_sets(planned: Plan) -> Table:
    """The test sets of a grid that has several, with their pairs and cells; no row where it has one without a name."""
    counts: dict[str, int] = {}
    for cell in planned.cells():
        counts[cell.test_set] = counts.get(cell.test_set, 0) + 1
    rows = [
        {
            "test_set": each.name, "id": each.id, "corpus": each.test_set.corpus, "split": each.test_set.split,
            "revision": each.test_set.revision, "asked": described(each.test_set.sentences),
            "pairs": len(each.pairs), "missing": len(each.missing), "cells": counts.get(each.id, 0),
            "contaminated": _contaminated(planned, each),
        }
        for each in planned.test_sets
        if each.name is not None
    ]  # fmt: skip
    return Table(
        name="test_sets",
        title="Test sets",
        columns=[
            word("test_set", "test set"), word("corpus"), word("split"), word("asked", "sentences a pair"),
            word("revision"), number("pairs", digits=0), number("missing", digits=0), number("cells", digits=0),
            number("contaminated", "most in training text %"),
        ],
        content=rows,
        notes=[f"Gates and registered models are about {rows[0]['test_set']}, unless a policy names another."]
        if len(rows) > 1
        else [],
    )  # fmt: skip


def _contaminated(planned: Plan, test_set: PlannedTestSet) -> float | None:
    """The largest share of its sentences that is in one side of a pair's training text, in percent."""
    rates = [
        found.rate
        for training in planned.trainings
        if training.text is not None
        for found in training.text.found_of(test_set.tested)
    ]
    return 100 * max(rates) if rates else None


def of_test_set(test_set: PlannedTestSet) -> Row:
    """The field of a row that names its test set."""
    return {"test_set": test_set.name}


def columns_of(planned: Plan) -> list[Column]:
    """The column that names a row's test set, where there are several."""
    return [word("test_set", "test set")] if len(planned.test_sets) > 1 else []
