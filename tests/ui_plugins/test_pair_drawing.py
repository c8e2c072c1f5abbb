"""The columns of a whole matrix, and the bytes a browser draws them from."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from dragoman.analysis.pair_scores import STATES, PairColumns, Scored, differing, pair_columns, pair_scores, version
from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.cell import CellState
from dragoman.metrics.significance import Correction
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.store.records import StoredScore
from dragoman.store.schema import PARTITIONS
from dragoman.store.store import Store
from dragoman_ui.charts.matrix_binary import NO_PAIR, NOTHING, drawing
from dragoman_ui.viewmodels.pair_summary import in_order, points, summaries
from dragoman_ui.viewmodels.store import open_store
from dragoman_ui.viewmodels.view import Order, Show

LANGUAGES = ("en", "de", "ru", "ar", "zh-Hans", "hi")


@pytest.fixture
def store(filled: Path) -> Store:
    return open_store()


def number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


@pytest.mark.parametrize("model", ["roles", "english-centric", "base"])
def test_columns_say_what_pair_scores_says(store: Store, model: str) -> None:
    columns = pair_columns(store, ScoreQuestion("demo", "chrf++"), model=model)
    found = {
        Pair(source, target): (
            PARTITIONS[columns.partitions[place]], STATES[columns.states[place]], columns.reasons.get(place),
            *(number(each[place]) for each in (*columns.own, columns.other.values)),
        )
        for place, (source, target) in enumerate(
            zip(columns.sources.tolist(), columns.targets.tolist(), strict=True)
        )
    }  # fmt: skip
    scores = pair_scores(store, ScoreQuestion("demo", "chrf++"), model=model)
    assert found == {
        each.pair: (each.partition, each.state, each.reason, each.value, each.low, each.high, each.base_value)
        for each in scores
    }
    assert set(columns.signatures) == {each.signature for each in scores if each.signature}


def test_another_run_takes_the_place_of_the_base(store: Store) -> None:
    columns = pair_columns(store, ScoreQuestion("demo", "bleu"), model="roles", against="english-centric")
    other = {each.pair: each for each in pair_scores(store, ScoreQuestion("demo", "bleu"), model="english-centric")}
    for place, (source, target) in enumerate(zip(columns.sources.tolist(), columns.targets.tolist(), strict=True)):
        expected = other[Pair(source, target)]
        if number(columns.own.values[place]) is None:  # nothing to compare
            assert number(columns.other.values[place]) is None
        else:
            assert number(columns.other.values[place]) == expected.value
            assert number(columns.other.lows[place]) == expected.low


def test_the_version_changes_with_the_scores(filled_home: Path, tmp_path: Path) -> None:
    shutil.copytree(filled_home, tmp_path / "home")
    store = Store.open(f"sqlite:///{tmp_path}/home/store.db", f"file://{tmp_path}/home/blobs")
    first = version(store, ScoreQuestion("demo", "bleu"), model="roles")
    assert version(store, ScoreQuestion("demo", "bleu"), model="roles") == first
    assert version(store, ScoreQuestion("demo", "bleu"), model="base") != first
    cell = next(each for each in store.cells.of_grid("demo", Pair("en", "de")) if each.cell.model == "model1-roles")
    store.cells.add_scores(cell.cell.id, [StoredScore(metric="chrf", signature="x", value=1.0)])
    second = version(store, ScoreQuestion("demo", "bleu"), model="roles")
    assert second != first
    failed = next(each for each in store.cells.of_grid("demo") if each.state is CellState.FAILED)
    store.cells.advance(started=[failed.cell.id], worker="host/1")
    assert version(store, ScoreQuestion("demo", "bleu"), model="roles") != second
    store.close()


def scored(values: list[float], width: float) -> Scored:
    numbers = np.array(values)
    return Scored(numbers, numbers - width, numbers + width)


def test_differences_are_held_against_both_intervals() -> None:
    # half-widths of 1.96 are standard errors of 1: a difference of z √2 has the z-score z, and 1.96 the p-value 0.05
    own, other = scored([2.0**0.5 * 1.95, 2.0**0.5 * 1.97, -20.0, np.nan], 1.959964), scored([0.0] * 4, 1.959964)
    assert differing(own, other, Correction.NONE).tolist() == [False, True, True, False]
    # Holm asks three tests for a third of it where the smallest is concerned, and for half of it next
    assert differing(own, other, Correction.HOLM).tolist() == [False, False, True, False]
    assert differing(own, own).tolist() == [False] * 4


def read(data: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The head and the columns, as a browser takes them apart."""
    length = int.from_bytes(data[:4], "little")
    head = json.loads(data[4 : 4 + length])
    at, size = 4 + length, len(head["sources"]) * len(head["targets"])
    assert at % 4 == 0
    columns = {}
    for name in (*head["numbers"], "partition", "state", "significant"):
        kind = np.int16 if name in head["numbers"] else np.uint8
        columns[name] = np.frombuffer(data, kind, size, at).reshape(len(head["sources"]), -1)
        at += columns[name].nbytes
    assert at == len(data)
    return head, columns


@pytest.mark.parametrize("order", list(Order))
def test_a_drawing_holds_every_pair_at_its_place(store: Store, order: Order) -> None:
    found = pair_columns(store, ScoreQuestion("demo", "bleu"), model="roles")
    head, columns = read(drawing(found, LANGUAGES, store.models.get("model1-roles").graph, Show.SCORE, order))
    assert set(head["sources"]) == set(head["targets"]) == set(LANGUAGES)
    scores = {each.pair: each for each in pair_scores(store, ScoreQuestion("demo", "bleu"), model="roles")}
    for y, source in enumerate(head["sources"]):
        for x, target in enumerate(head["targets"]):
            if source == target:
                assert columns["state"][y, x] == NO_PAIR
                continue
            score = scores[Pair(source, target)]
            assert head["states"][columns["state"][y, x]] == score.state
            assert head["partitions"][columns["partition"][y, x]] == score.partition
            value = columns["value"][y, x]
            if score.value is None:
                assert value == NOTHING
                assert head["reasons"].get(str(y * len(LANGUAGES) + x)) == score.reason
            else:
                assert value / head["factor"] == pytest.approx(score.value, abs=0.5 / head["factor"])


def test_small_numbers_keep_their_digits() -> None:
    values = np.array([0.8123, 0.0456])
    nothing = np.full(2, np.nan)
    columns = PairColumns(
        np.array([1, 2]), np.array(["en", "de"]), np.array(["de", "en"]), np.array([1, 1], np.int8),
        np.array([2, 2], np.int8), nothing, Scored(values, nothing, nothing), Scored(nothing, nothing, nothing), {}, (),
    )  # fmt: skip
    head, found = read(drawing(columns, ("en", "de"), TrainingGraph(), Show.SCORE, Order.GRID))
    assert head["factor"] == 10_000
    assert sorted(set(found["value"].ravel().tolist())) == [NOTHING, 456, 8123]


def test_answers_are_sent_once(client: FlaskClient) -> None:
    for path in ("/dragoman/drawing?grid=demo", "/dragoman/grid?grid=demo"):
        first = client.get(path, headers={"Accept-Encoding": "gzip"})
        assert first.status_code == 200
        assert first.headers["Content-Security-Policy"]
        again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        other = client.get(f"{path}&metric=chrf%2B%2B", headers={"If-None-Match": first.headers["ETag"]})
        assert other.status_code == 200


def test_summaries_are_the_partition_tables(store: Store) -> None:
    columns = pair_columns(store, ScoreQuestion("demo", "bleu"), model="roles")
    found = summaries(columns, None, np.ones(len(columns.sources), np.bool_), {})
    rows = partition_table(store, ScoreQuestion("demo", "bleu"), model="roles")
    assert [each.scope for each in found] == [row.scope for row in rows]
    for each, row in zip(found, rows, strict=True):
        assert (each.done, each.pairs, each.gain_pairs) == (row.done, row.pairs, row.gain_pairs)
        assert (each.mean, each.gain) == pytest.approx((row.mean, row.gain))


def test_chosen_pairs_are_in_order_and_those_without_a_score_come_last(store: Store) -> None:
    columns = pair_columns(store, ScoreQuestion("demo", "bleu"), model="roles")
    chosen = columns.targets == "ar"
    found = points(columns, None, chosen)
    assert {point.pair for point in found} == {pair for pair in all_pairs(LANGUAGES) if pair.target == "ar"}
    for order in ("best", "worst"):
        for higher in (True, False):
            ranked = in_order(found, order, higher)
            assert ranked[-1].value is None
            values = [point.value for point in ranked if point.value is not None]
            assert values == sorted(values, reverse=(order == "best") is higher)
