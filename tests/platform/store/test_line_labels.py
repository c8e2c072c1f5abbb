"""Labels of test lines: what is packed comes back, the newest win, and nothing else in the store follows from them."""

import json
import logging
import zlib

import pytest

from dragoman.errors import StoreError
from dragoman.segment import Located, Segment
from dragoman.store.line_labels import VERSION, labels_of, pack, unpack


def line(*labels: tuple[str, str], document: str | None = None) -> Located:
    return Located(Segment("s", "t"), None, document, labels)


def test_labels_of_lines_have_a_value_for_each_line() -> None:
    lines = [
        line(("domain", " news "), ("original", "zh_CN"), document="a"),
        line(("domain", "")),
        line(("original", "no idea"), ("note", "two\nlines \ud83d"), document="b"),
    ]
    assert labels_of(lines) == {
        "document": ("a", "", "b"),
        "domain": ("news", "", ""),
        "note": ("", "", "two lines \ufffd"),
        "original": ("zh-Hans", "", "no idea"),
    }
    assert labels_of([line(("document", "mine"), document="theirs")]) == {"document": ("mine",)}


@pytest.mark.parametrize(
    "values", [(), ("",), ("a", "", "b", "a"), ("n" * 3000, "ñ\u2028"), tuple(map(str, range(2000)))]
)
def test_what_is_packed_comes_back(values: tuple[str, ...]) -> None:
    assert unpack(pack(values), len(values)) == values
    with pytest.raises(StoreError, match=r"not those of \d+ test lines"):
        unpack(pack(values), len(values) + 1)


def packed(content: object) -> bytes:
    return VERSION + zlib.compress(json.dumps(content).encode())


@pytest.mark.parametrize(
    "data",
    [b"", b"\x02", pack(["a"])[:-4], packed([["a"], [1]]), packed([["a"], [-2]]), packed([[1], [0]]), packed("ab"),
     packed([["a"], ["0"]]), packed([["a"], 3]), VERSION + zlib.compress(b"[" * 100_000)],
)  # fmt: skip
def test_what_is_damaged_is_a_sentence(data: bytes) -> None:
    with pytest.raises(StoreError, match=r"^The labels of these test lines .*: run the grid again\.$"):
        unpack(data)


def test_the_newest_labels_win_and_it_is_told(small, in_step, caplog):
    small.add().fill()
    first, second = (small.cells[place].cell for place in (0, 1))
    conditions, store = small.store.conditions, small.store
    before = {record.cell.id: record for record in store.cells.of_grid("small")}
    news = {"domain": ("news", "news", "chat"), "original": ("de", "", "")}
    with caplog.at_level(logging.WARNING):
        conditions.add_labels("test1-a", {(first.pair, first.content): news, (second.pair, second.content): news})
        conditions.add_labels("test1-a", {(first.pair, first.content): news})
        conditions.add_labels("test1-a", {(first.pair, "another text"): news, (second.pair, second.content): {}})
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        conditions.add_labels("test1-a", {(first.pair, first.content): {"domain": ("chat", "", "")}})
    assert caplog.messages == ["The label domain of the lines of 1 test text has changed: slices go by the new one."]
    assert conditions.labels_of_grid("small") == {
        ("test1-a", first.pair, first.content): {**news, "domain": ("chat", "", "")},
        ("test1-a", second.pair, second.content): news,
    }
    assert {record.cell.id: record for record in store.cells.of_grid("small")} == before
    with pytest.raises(StoreError, match="test set"):
        conditions.add_labels("test1-x", {(first.pair, first.content): news})
    in_step(store)
