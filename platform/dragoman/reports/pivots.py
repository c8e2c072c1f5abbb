"""What the pivot systems of a grid translate through: as sentences below the results, and pair by pair as a table."""

from collections import Counter
from collections.abc import Collection
from typing import Any, NamedTuple

from dragoman.model import PIVOT
from dragoman.spec.pivot_translation import BEST
from dragoman.store.records import ModelRecord
from dragoman.store.store import Store
from dragoman.tables.table import Table, number, word


class _Pivoted(NamedTuple):
    system: ModelRecord
    model: str
    """The name of the model that translates both legs."""
    meaning: dict[str, Any]
    """What of it is in the system's identity."""
    chosen: dict[str, Any]
    """What was chosen on dev; empty where the spec names the pivot, or nothing is chosen yet."""


def _pivoted(store: Store, grid: str, systems: Collection[str]) -> list[_Pivoted]:
    models = {model.id: model for model in store.models.of_grid(grid)}
    found = []
    for identity, model in models.items():
        if model.name in systems and (meaning := model.recipe.get(PIVOT)):
            asked = models.get(meaning["model"])
            chosen = store.models.training(identity) or {}
            found.append(_Pivoted(model, asked.name if asked else "base", meaning, chosen))
    return found


def pivot_notes(store: Store, grid: str, systems: Collection[str]) -> list[str]:
    """A sentence for each pivot system among some systems of a grid, by their names."""
    notes = []
    for system, model, meaning, chosen in _pivoted(store, grid, systems):
        told = f"{system.name}: both legs by {model}, "
        if meaning["through"] != BEST:
            notes.append(
                f"{told}through {meaning['through']}; pairs that have {meaning['through']} on a side are left out."
            )
            continue
        counts = Counter(pivot for pivot in chosen.get("through", {}).values() if pivot)
        shown = ", ".join(f"{pivot} ({count})" for pivot, count in counts.most_common()) or "nothing is chosen yet"
        notes.append(
            f"{told}through the language that is best for the pair by {meaning['metric']} on {meaning['sentences']} "
            f"dev sentences (of pairs: {shown})."
        )
    return notes


def pivots(store: Store, grid: str, systems: Collection[str]) -> Table:
    """The pivots that were chosen on dev, pair by pair, with the score by the best and by the second."""
    rows = []
    for system, _, meaning, chosen in _pivoted(store, grid, systems):
        for pair, pivot in chosen.get("through", {}).items():
            scores: dict[str, float] = chosen["dev"][pair]
            others = [value for language, value in scores.items() if language != pivot]
            rows.append({
                "model": system.name, "pair": pair, "pivot": pivot, "metric": meaning["metric"],
                "value": scores.get(pivot) if pivot else None, "next": max(others, default=None), "scores": scores,
            })  # fmt: skip
    return Table(
        name="pivots",
        title=f"{grid}: pivots, chosen on dev sentences",
        columns=[
            word("model"), word("pair"), word("pivot"), word("metric"), number("value", "by it"),
            number("next", "by the next best"),
        ],
        content=rows,
        group="model",
        stub=2,
    )  # fmt: skip
