"""The labels of a grid's test lines, and how many lines have each of their values."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import Connection, func, select

from dragoman.errors import StoreError, nearest
from dragoman.line_filter import ORIGINAL, SIDES, LineFilter, side_of
from dragoman.pair import Pair
from dragoman.store.database.connection import fetched
from dragoman.store.line_labels import Labels, language_named, unpack
from dragoman.store.schema import ConditionRow, GridPairRow, TestLabelsRow
from dragoman.store.store import Store

TextKey = tuple[int, int, int]
"""A text: its test set, pair and edition."""


def read_labels(connection: Connection, sets: Collection[int], pairs: Collection[int]) -> dict[TextKey, Labels]:
    """The labels of the texts of some test sets and pairs.

    Raises:
        StoreError: labels are damaged.
    """
    columns = (TestLabelsRow.test_set_id, TestLabelsRow.pair_id, TestLabelsRow.edition)
    query = select(*columns, TestLabelsRow.name, TestLabelsRow.of_lines)
    query = query.where(TestLabelsRow.test_set_id.in_(sets), TestLabelsRow.pair_id.in_(pairs))
    found: defaultdict[TextKey, dict[str, tuple[str, ...]]] = defaultdict(dict)
    for test_set, pair, edition, name, packed in fetched(connection, query.order_by(TestLabelsRow.name)):
        found[test_set, pair, edition][name] = unpack(packed)
    return dict(found)


def moment_of_labels(connection: Connection, grids: Collection[int]) -> tuple[object, ...]:
    """What changes whenever the labels of the test lines of some grids, by their numbers, do."""
    conditions = select(GridPairRow.condition_id).where(GridPairRow.grid_id.in_(grids))
    sets = select(ConditionRow.test_set_id).where(ConditionRow.id.in_(conditions))
    query = select(func.max(TestLabelsRow.updated), func.count()).where(TestLabelsRow.test_set_id.in_(sets))
    return tuple(connection.execute(query).one())


def require_lines(
    asked: LineFilter, grids: Iterable[str], labels: Mapping[TextKey, Labels], pairs: Mapping[int, Pair]
) -> None:
    """Refuse labels and values that no line has.

    Raises:
        StoreError: there is such a one.
    """
    named = " and ".join(f"'{grid}'" for grid in grids)
    counts = counted((pairs[pair], its) for (_, pair, _), its in labels.items())
    if not counts:
        raise StoreError(
            f"The test lines of {named} have no labels, so that there are no slices of them: name the columns in "
            "`labels` of the corpus, and run the grid again."
        )
    for name, value in asked.conditions:
        if name not in counts:
            raise StoreError(f"The test lines of {named} have no label '{name}'; {nearest(name, counts)}")
        known = counts[name]
        meant = language_named(value) if name == ORIGINAL and value not in SIDES else value
        if meant not in known and not (name == ORIGINAL and value in SIDES):
            raise StoreError(f"No test line of {named} has {name}={value}; {nearest(value, known)}")


def counted(texts: Iterable[tuple[Pair, Labels]]) -> dict[str, Counter[str]]:
    """How many lines of some texts have each value of each label; for the original language also each side.

    Args:
        texts: the pair of each text, and the labels of its lines.
    """
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for pair, labels in texts:
        for name, values in labels.items():
            counts = Counter(filter(None, values))
            found[name].update(counts)
            if name == ORIGINAL:
                for language, count in counts.items():
                    found[name][side_of(language, pair)] += count
    return dict(found)


def slices_by(store: Store, grid: str, label: str) -> list[str]:
    """The values of a label that lines of a grid have, the most frequent first; of the original language the sides.

    Raises:
        StoreError: there is no such grid or label.
    """
    labels = store.conditions.labels_of_grid(grid)
    counts = counted((pair, its) for (_, pair, _), its in labels.items())
    if not counts:
        require_lines(LineFilter(((label, ""),)), [grid], {}, {})
    if label not in counts:
        raise StoreError(f"The test lines of '{grid}' have no label '{label}'; {nearest(label, counts)}")
    if label == ORIGINAL:
        return [side for side in SIDES if counts[label][side]]
    return [value for value, _ in sorted(counts[label].items(), key=lambda each: (-each[1], each[0]))]
