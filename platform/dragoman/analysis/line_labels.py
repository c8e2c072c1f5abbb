"""The labels of a grid's test lines, and how many lines have each of their values."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import compress

from sqlalchemy import Connection, func, select

from dragoman.analysis.segment_statistics import MOST_PAIRS
from dragoman.errors import StoreError, nearest
from dragoman.line_filter import ORIGINAL, SIDES, LineFilter, side_of
from dragoman.pair import Pair
from dragoman.store.database.connection import fetched
from dragoman.store.database.ids import grid_number
from dragoman.store.line_labels import Labels, language_named, unpack
from dragoman.store.schema import ConditionRow, GridPairRow, TestLabelsRow
from dragoman.store.store import Store

TextKey = tuple[int, int, int]
"""A text: its test set, pair and edition."""


MOST_NAMED = 20
"""Values that are named where none is near to the one asked for."""


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
        raise _no_labels(named)
    for name, value in asked.conditions:
        if name not in counts:
            raise StoreError(f"The test lines of {named} have no label '{name}'; {nearest(name, counts)}")
        known = counts[name]
        meant = language_named(value) if name == ORIGINAL and value not in SIDES else value
        if meant not in known and not (name == ORIGINAL and value in SIDES):
            raise StoreError(f"No test line of {named} has {name}={value}; {_near(value, known)}")


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


def slices_by(store: Store, grid: str, label: str, lines: str | None = None) -> list[str]:
    """The values of a label that lines of a grid have, the most frequent first; of the original language the sides.

    Args:
        store: the store.
        grid: name of the grid.
        label: name of the label.
        lines: the filter of the lines that are looked at; all by default.

    Raises:
        StoreError: there is no such grid or label.
        LineFilterError: the filter can't be read.
    """
    texts = _texts(store, grid)
    counts = require_label(grid, label, texts)
    if lines:
        counts = counted(_only(texts, LineFilter.parse(lines))).get(label, counts)
    if label == ORIGINAL:
        return [side for side in SIDES if counts[side]]
    return [value for value, _ in sorted(counts.items(), key=lambda each: (-each[1], each[0]))]


def labels_of(store: Store, grid: str) -> dict[str, Counter[str]]:
    """How many lines of a grid's tests have each value of each label; nothing of a grid too large for slices.

    Raises:
        StoreError: there is no such grid.
    """
    with store.database.reading() as connection:
        pairs = select(func.count()).where(GridPairRow.grid_id == grid_number(connection, grid))
        is_large = connection.execute(pairs).scalar_one() > MOST_PAIRS
    return {} if is_large else counted(_texts(store, grid))


def _texts(store: Store, grid: str) -> list[tuple[Pair, Labels]]:
    return [(pair, labels) for (_, pair, _), labels in store.conditions.labels_of_grid(grid).items()]


def require_label(grid: str, label: str, texts: Iterable[tuple[Pair, Labels]]) -> Counter[str]:
    """How many lines of a grid's texts have each value of a label.

    Raises:
        StoreError: none has that label.
    """
    counts = counted(texts)
    if not counts:
        raise _no_labels(f"'{grid}'")
    if label not in counts:
        raise StoreError(f"The test lines of '{grid}' have no label '{label}'; {nearest(label, counts)}")
    return counts[label]


def _only(texts: Iterable[tuple[Pair, Labels]], asked: LineFilter) -> Iterator[tuple[Pair, Labels]]:
    """The labels of the lines that a filter chooses."""
    for pair, labels in texts:
        held = asked.chosen(pair, labels, lines_of(labels)).tolist()
        yield pair, {name: tuple(compress(values, held)) for name, values in labels.items()}


def lines_of(labels: Labels) -> int:
    """How many lines the labels of a text are of."""
    return len(next(iter(labels.values()), ()))


def _no_labels(named: str) -> StoreError:
    return StoreError(
        f"The test lines of {named} have no labels, so that there are no slices of them: name the columns in `labels` "
        "of the corpus, and run the grid again."
    )


def _near(value: str, known: Counter[str]) -> str:
    """The nearest values of a label; of many where none is near, the most frequent."""
    if len(known) <= MOST_NAMED or get_close_matches(value.casefold(), map(str.casefold, known), n=1):
        return nearest(value, known)
    named = ", ".join(name for name, _ in known.most_common(MOST_NAMED))
    return f"use one of: {named} and {len(known) - MOST_NAMED:,} more."
