"""A full rescoring and an export hold a bounded number of cells, however many the grid has."""

import gc

import pytest

from dragoman.pair import Pair
from dragoman.segment import Segment
from dragoman.store.maintenance.rescoring import rescore
from dragoman.store.records import CellRecord, ModelRecord
from dragoman.store.transfer import exporter
from dragoman.testing import GridBuilder

PAGE = 25


class Held:
    """The most cells that were held at once, as the garbage collector has them."""

    def __init__(self):
        gc.collect()
        self.before, self.most, self.looks = self._now(), 0, 0

    def look(self):
        self.looks += 1
        if self.looks % PAGE == 0:  # it takes a tenth of a second
            self.most = max(self.most, self._now() - self.before)

    @staticmethod
    def _now():
        return sum(type(each) is CellRecord for each in gc.get_objects())


def filled(store, languages):
    tags = [f"q{chr(97 + number // 26)}{chr(97 + number % 26)}" for number in range(languages)]
    pairs = [Pair(one, other) for one in tags for other in tags if one != other]
    lines = {pair: [Segment("one two", "three four")] for pair in pairs}
    made = GridBuilder(store, [ModelRecord(id="model1-base", name="base")], pairs, lines=lines).add()
    for record in made.cells:
        made.translate(record.cell, [], hypotheses=[("three four", "stop", 2)])
    made.cells.clear()
    return len(pairs)


@pytest.mark.parametrize("languages", [8, 16])
def test_no_more_than_some_pages_of_cells_are_held(store, languages, monkeypatch, tmp_path):
    count = filled(store, languages)
    monkeypatch.setattr("dragoman.store.repositories.cells.CHUNK", PAGE)
    monkeypatch.setattr("dragoman.store.transfer.exporter.BATCH", PAGE)
    held = Held()
    done = []
    [bleu] = rescore(store, "small", ["bleu"], advance=lambda *progress: (held.look(), done.append(progress)))
    assert bleu.scored == count and done[-1] == (count, count)
    assert 0 < held.most <= 3 * PAGE
    [again] = rescore(store, "small", ["bleu"])
    assert again.already == count and again.scored == 0

    held, real = Held(), exporter.cell_row
    monkeypatch.setattr(exporter, "cell_row", lambda record: (held.look(), real(record))[1])
    exporter.export_grid(store, "small", tmp_path / "small.zip")
    assert 0 < held.most <= 3 * PAGE


def test_pages_are_the_cells_in_their_order(small, monkeypatch):
    monkeypatch.setattr("dragoman.store.repositories.cells.CHUNK", 5)
    pages = list(small.store.cells.pages("small"))
    assert [cell for page in pages for cell in page] == small.store.cells.of_grid("small")
    assert max(map(len, pages)) == 5
