"""The interval of a mean over pairs of one test is that of the test, whatever cells of its file are empty.

The unit that is resampled is the sentence (Koehn 2004, https://aclanthology.org/W04-3250): two pairs whose scores are
the same sentence by sentence hold one test twice, and their mean is as uncertain as either.
"""

import random
from collections.abc import Sequence

import pytest

from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.identity import hash_lines
from dragoman.metrics.scoring import ScoreRecord, score
from dragoman.pair import Pair
from dragoman.segment import Located, Segment
from dragoman.store.line_keys import LineKeys
from dragoman.store.records import ModelRecord, StoredScore
from dragoman.store.store import Store
from dragoman.testing.grid_builder import GridBuilder

GERMAN, DUTCH = Pair("de", "en"), Pair("nl", "en")
N = 50


def _width(store: Store, name: str, rows: dict[Pair, Sequence[int]], keyed: bool) -> float:
    """The width of the interval of the mean chrF of two pairs that have some rows of one test."""
    rng = random.Random(3)
    words = [[rng.choice("abcdefgh") * 4 for _ in range(10)] for _ in range(N)]
    said = [[word if rng.random() < share else "xxxx" for word in line] for line in words for share in [rng.random()]]
    texts = {
        pair: [Located(Segment(f"{pair.source} {row}", f"{' '.join(words[row])} {row}"), row) for row in its]
        for pair, its in rows.items()
    }
    lines = {pair: [line.segment for line in its] for pair, its in texts.items()}
    base = ModelRecord(id="model1-base", name="base", recipe={})
    grid = GridBuilder(store, [base], list(rows), name=name, metrics=["chrf"], lines=lines).add()
    if keyed:
        contents = {pair: hash_lines(text for segment in its for text in segment) for pair, its in lines.items()}
        keys = {(pair, contents[pair]): LineKeys.of(pair, its) for pair, its in texts.items()}
        store.conditions.add_keys(grid.test_set.id, keys)
    for record in grid.cells:
        pair = record.cell.pair
        hypotheses = [f"{' '.join(said[row])} {row}" for row in rows[pair]]
        sources, references = zip(*lines[pair], strict=True)
        (found,) = score(["chrf"], pair, ["de", "en", "nl"], sources, hypotheses, references)
        assert isinstance(found, ScoreRecord)
        grid.translate(record.cell, [StoredScore.of(found)], hypotheses=[(text, "stop", 1) for text in hypotheses])
    question = ScoreQuestion(grid=name, metric="chrf")
    (mean,) = [row for row in partition_table(store, question, model="base") if row.scope == "all"]
    assert mean.low is not None and mean.high is not None
    return mean.high - mean.low


@pytest.mark.parametrize("keyed", [True, False])
def test_holes_and_other_orders_leave_the_width_of_a_mean_as_it_is(store: Store, keyed: bool) -> None:
    whole = list(range(N))
    expected = _width(store, "whole", {GERMAN: whole}, keyed)
    layouts = {"both": whole, "hole": whole[1:], "reversed": whole[::-1], "some": whole[2:30] + whole[31:]}
    for name, rows in layouts.items():
        assert _width(store, name, {GERMAN: whole, DUTCH: rows}, keyed) == pytest.approx(expected, rel=0.1), name
