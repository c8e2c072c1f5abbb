"""Search for grids by words, tags and order, as lists of grids show them."""

from collections.abc import Sequence
from enum import StrEnum

from dragoman.store.repositories.annotations import GridAnnotation
from dragoman.store.store import Store


class GridOrder(StrEnum):
    """Orders of a list of grids."""

    RECENT = "recent"
    """The one that was run last first."""
    CREATED = "created"
    """The one that was added last first."""
    NAME = "name"
    """By name."""


def search(
    store: Store,
    words: str = "",
    *,
    tags: Sequence[str] = (),
    order: GridOrder = GridOrder.RECENT,
    archived: bool = False,
) -> list[GridAnnotation]:
    """The grids that all words and tags are found in.

    Args:
        store: the store.
        words: words with spaces between; upper and lower case are alike. Each is looked for in the grid's name, its
            former names, its campaign, languages, models, tags and notes.
        tags: tags that it must have.
        order: their order.
        archived: whether archived ones are among them.
    """
    found = [
        each
        for each in store.annotations.all()
        if (archived or each.archived is None) and set(tags) <= set(each.tags) and _holds(store, each, words)
    ]
    match order:
        case GridOrder.CREATED:
            found.sort(key=lambda each: -each.number)
        case GridOrder.NAME:
            found.sort(key=lambda each: each.grid)
    return found


def latest(store: Store) -> str | None:
    """The grid that was run or imported last and is not archived; None where there is none."""
    found = search(store)
    return found[0].grid if found else None


def _holds(store: Store, annotation: GridAnnotation, words: str) -> bool:
    wanted = words.casefold().split()
    if not wanted:
        return True
    grid = store.grids.get(annotation.grid)
    texts = [
        grid.name, *annotation.former_names, grid.spec.get("campaign") or "", *grid.languages, *grid.names.values(),
        *annotation.tags, annotation.notes or "",
    ]  # fmt: skip
    text = "\n".join(texts).casefold()
    return all(word in text for word in wanted)
