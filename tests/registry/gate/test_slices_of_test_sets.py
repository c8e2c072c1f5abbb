"""A slice of a grid with two test sets is of the one that is meant, and never of both."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.two_test_sets import LINES, METRIC, NEWS, TALKS, fill

from dragoman.analysis.caption import caption_of
from dragoman.analysis.pair_scores import pair_scores
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.pair import Pair
from dragoman.spec.promotion import Promotion
from dragoman.store.store import Store
from dragoman.tables.render import Form, render
from dragoman_registry.gate.evidence import gate
from dragoman_registry.tables import gate_table

LABEL = "domain=spoken"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """The grid `asked`, in which the lines of both test sets have the same label."""
    fill(tmp_path)
    opened = Store.open_existing(f"sqlite:///{tmp_path}/store.db", f"file://{tmp_path}/blobs")
    for name, lines in LINES.items():
        cells = [each.cell for each in opened.cells.of_grid("asked") if each.cell.test_set == f"t-{name}"]
        labels = {(cell.pair, cell.content): {"domain": ["spoken"] * len(lines)} for cell in cells}
        opened.conditions.add_labels(f"t-{name}", labels)
    yield opened
    opened.close()


@pytest.mark.parametrize("named", [None, NEWS, TALKS])
def test_a_slice_of_all_lines_is_its_test_set(store: Store, named: str | None) -> None:
    question = ScoreQuestion("asked", METRIC, test_set=named)
    sliced = ScoreQuestion("asked", METRIC, test_set=named, lines=LABEL)
    values = {
        each.lines: {(score.pair, score.value) for score in pair_scores(store, each, model="tuned")}
        for each in (question, sliced)
    }
    assert values[LABEL] == values[None] and len(values[None]) == (2 if named == TALKS else 6)
    assert (Pair("en", "fr") in {pair for pair, _ in values[LABEL]}) == (named != TALKS)
    assert (caption_of(store, sliced, model="tuned").test_set or "").startswith(f"{named or NEWS}, cldr")


def test_a_gate_names_the_test_set_and_the_lines_of_a_rule(store: Store) -> None:
    rules = [{"metric": METRIC, "at_least": 1}, {"metric": METRIC, "at_least": 1, "lines": LABEL}]
    report = gate(store, store.grids.get("asked"), "tuned", Promotion(model="m", metric=METRIC, rules=rules), None)
    table = gate_table([report])
    assert [(row["test_set"], row["lines"]) for row in table.rows] == [(NEWS, None), (NEWS, LABEL)]
    assert LABEL in render([table], Form.TEXT).split("\n\n")[1]
