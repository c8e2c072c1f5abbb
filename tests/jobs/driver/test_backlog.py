"""The backlog of a grid: what is left, by state, as cells end."""

from dragoman.cell import Cell, CellState
from dragoman.pair import Pair
from dragoman.store.records import CellRecord
from dragoman_jobs.driver.backlog import Backlog, PendingCell

DE_EN, EN_DE = Pair("de", "en"), Pair("en", "de")
SIZES = {"lines of de-en": 10, "lines of en-de": 7}


def _cell(model: str, pair: Pair, state: CellState) -> CellRecord:
    cell = Cell(model=model, test_set="t", content="c", pair=pair, prompt="p", decoding="d")
    return CellRecord(cell=cell, state=state, test=f"lines of {pair}")


CELLS = [
    _cell("a", DE_EN, CellState.PLANNED),
    _cell("a", EN_DE, CellState.FAILED),
    _cell("b", DE_EN, CellState.RUNNING),
    _cell("b", EN_DE, CellState.MISSING),
    _cell("c", DE_EN, CellState.DONE),
    _cell("c", EN_DE, CellState.UNSCORABLE),
]


PENDING = [PendingCell.of(record) for record in CELLS]


def test_what_is_kept_of_a_cell_means_the_same() -> None:
    assert [pending.cell for pending in PENDING] == [record.cell for record in CELLS]
    assert [pending.id for pending in PENDING] == [record.cell.id for record in CELLS]


def _counts(backlog: Backlog) -> tuple[int, ...]:
    return (backlog.planned, backlog.running_elsewhere, backlog.failed, backlog.missing, backlog.ended, backlog.total)


def test_what_failed_is_left_only_where_it_is_tried_again() -> None:
    again = Backlog(CELLS, SIZES, failed_too=True)
    assert (len(again), _counts(again)) == (3, (2, 1, 0, 1, 3, 6))
    assert (again.characters, again.given_up) == (17, set())
    once = Backlog(CELLS, SIZES, failed_too=False)
    assert (len(once), _counts(once)) == (2, (1, 1, 1, 1, 4, 6))
    assert (once.characters, once.given_up) == (10, {"a"})


def test_nothing_is_left_where_all_cells_have_ended() -> None:
    assert not Backlog(CELLS[3:], SIZES, failed_too=True)


def test_cells_handed_out_are_left_until_they_have_ended() -> None:
    backlog = Backlog(CELLS, SIZES, failed_too=True)
    assert backlog.pending_by_model() == {"a": 2}
    assert backlog.hand_out("a") == PENDING[:2]
    assert (list(backlog.pending("a")), backlog.planned, backlog.characters) == ([], 2, 17)
    backlog.move(CellState.DONE, 10)
    assert (_counts(backlog), backlog.characters) == ((1, 1, 0, 1, 4, 6), 7)
    backlog.move(CellState.RUNNING, 7)
    assert (_counts(backlog), backlog.characters) == ((0, 2, 0, 1, 4, 6), 0)


def test_pairs_and_models_that_nobody_translates_are_dropped() -> None:
    backlog = Backlog(CELLS, SIZES, failed_too=True)
    assert backlog.drop("a", CellState.MISSING, {EN_DE}) == [PENDING[1]]
    assert (list(backlog.pending("a")), _counts(backlog)) == ([PENDING[0]], (1, 1, 0, 2, 4, 6))
    assert backlog.drop("a", CellState.FAILED) == [PENDING[0]]
    assert (list(backlog.pending("a")), _counts(backlog)) == ([], (0, 1, 1, 2, 5, 6))
    assert (backlog.characters, backlog.drop("b", CellState.FAILED)) == (0, [])
