"""The test sets of a grid by name, and which of them a question is about."""

from dataclasses import replace

from sqlalchemy import Connection, exists, select

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.errors import StoreError, nearest
from dragoman.store.database.ids import grid_number
from dragoman.store.repositories.grids import test_set_names
from dragoman.store.schema import ConditionRow, GridPairRow, TestSetRow
from dragoman.store.store import Store


def test_sets_of(store: Store, grid: str) -> list[str]:
    """Names of a grid's test sets, the first one first; none where its one test set has no name.

    Raises:
        StoreError: there is no such grid.
    """
    with store.database.reading() as connection:
        return list(test_set_names(connection, grid_number(connection, grid)).values())


def test_set_of(store: Store, question: ScoreQuestion) -> str | None:
    """The name of the test set that a question is about; None where the grid names none.

    Raises:
        StoreError: there is no such grid, or no such test set.
    """
    with store.database.reading() as connection:
        grid_id = grid_number(connection, question.grid)
        found = chosen_test_set(connection, question.grid, grid_id, question.test_set)
        return test_set_names(connection, grid_id).get(found or "")


def chosen_test_set(connection: Connection, grid: str, grid_id: int, wanted: str | None) -> str | None:
    """The search text for a grid's test sets: the identity of the one named, or by default of the first.

    Text that is no test set's name is returned as it is, and so is None where the grid names none.

    Raises:
        StoreError: it is neither a name nor text that one of several named test sets holds.
    """
    names = {name: identity for identity, name in test_set_names(connection, grid_id).items()}
    if wanted is None:
        return next(iter(names.values()), None)
    if wanted in names or not names:
        return names.get(wanted, wanted)
    query = select(TestSetRow).where(TestSetRow.identity.in_(names.values()))
    texts = [f"{row.corpus} {row.split} {row.revision} ({row.identity})" for row in connection.execute(query)]
    if not any(wanted in text for text in texts):
        raise _unknown(grid, wanted, list(names))
    return wanted


def test_set_named(connection: Connection, grid: str, grid_id: int, name: str | None) -> str | None:
    """The identity of a grid's test set of a name; by default of the first, or None where the grid names none.

    Raises:
        StoreError: it has none of that name.
    """
    names = {each: identity for identity, each in test_set_names(connection, grid_id).items()}
    if name is None:
        return next(iter(names.values()), None)
    if name not in names:
        raise _unknown(grid, name, list(names))
    return names[name]


def test_set_id(store: Store, grid: str, name: str | None = None) -> str:
    """The id of a grid's test set of a name; by default of the first, or of the only one.

    Raises:
        StoreError: there is no such grid, it has none of that name, or no cells.
    """
    with store.database.reading() as connection:
        grid_id = grid_number(connection, grid)
        found = test_set_named(connection, grid, grid_id, name) or next(iter(_identities(connection, grid_id)), None)
    if found is None:
        raise StoreError(f"Grid '{grid}' has no cells, and so no test set.")
    return found


def asked_of(connection: Connection, question: ScoreQuestion, grid: str) -> ScoreQuestion:
    """A question asked of another grid: about the same test set, whatever it is called there.

    Raises:
        StoreError: there is no such grid, or the question's own grid has no such test set.
    """
    if grid == question.grid:
        return question
    home, there = (grid_number(connection, name) for name in (question.grid, grid))
    wanted = chosen_test_set(connection, question.grid, home, question.test_set)
    own, others = _identities(connection, home), _identities(connection, there)
    if wanted is None and len(own) == 1:
        wanted = own[0]
    if wanted in own:
        wanted = wanted if wanted in others else None
    return replace(question, grid=grid, test_set=wanted)


def _identities(connection: Connection, grid_id: int) -> list[str]:
    """The test sets that a grid has cells of."""
    used = exists().where(GridPairRow.grid_id == grid_id, GridPairRow.condition_id == ConditionRow.id)
    query = select(TestSetRow.identity).join(ConditionRow, ConditionRow.test_set_id == TestSetRow.id).where(used)
    return list(connection.execute(query.distinct().order_by(TestSetRow.identity)).scalars())


def _unknown(grid: str, name: str, known: list[str]) -> StoreError:
    remedy = nearest(name, known) if known else "its one test set has no name: leave it out."
    return StoreError(f"Grid '{grid}' has no test set '{name}'; {remedy}")
