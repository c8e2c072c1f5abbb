"""Rebuild the plan of a grid from its spec in the store, and refuse where spec, base or data have changed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dragoman.errors import SpecError
from dragoman.language import canonical_tag
from dragoman.planning.adoption import adopt
from dragoman.planning.plan import Plan
from dragoman.planning.planner import make_plan
from dragoman.spec.grid import GridSpec
from dragoman.spec.loading import load_spec
from dragoman.store.store import Store


def plan_from_store(store: Store, grid: str) -> Plan:
    """The plan of a grid from the spec that the store has of it.

    Raises:
        StoreError: there is no such grid.
        SpecError: the base model or the data is not what it was.
    """
    record = store.grids.get(grid)
    spec = GridSpec.from_store(record.spec)
    if renamed := {tag: canonical_tag(tag) for tag in spec.languages if canonical_tag(tag) != tag}:
        changes = ", ".join(f"{tag} is {now}" for tag, now in renamed.items())
        raise SpecError(
            f"The grid {grid} was begun by an earlier version, which called languages otherwise (now {changes}): its "
            "results stay as they are; give the spec another name and run that."
        )
    plan = adopt(make_plan(spec), store)
    if plan.base.id != record.base:
        raise SpecError(
            f"The base model {plan.spec.base.model} is not the one that the grid {grid} was begun with: put that one "
            "back, or give the grid another name and run it anew."
        )
    new = next((model for model in plan.models if model.id not in record.models), None)
    if new is not None and new.id in plan.from_elsewhere:
        what = "translations" if new.id in plan.from_files else "scores"
        raise SpecError(
            f"The {what} of the system {new.name} of the grid {grid} have changed since it was begun: put the files "
            "back as they were, or run the spec again, which makes another system of them."
        )
    if new is not None:
        raise SpecError(
            f"What the model {new.name} of the grid {grid} is trained on has changed since it was begun: put the "
            "corpus back as it was, or give the grid another name and run it anew."
        )
    return plan


def named(store: Store, grid_or_spec: str) -> str:
    """The name of a grid, given as that or as its spec's file, which must not have changed.

    Raises:
        StoreError: there is no such grid.
        SpecError: the spec has changed since the grid was begun.
    """
    path = Path(grid_or_spec)
    if path.suffix not in (".yaml", ".yml"):
        return store.grids.get(grid_or_spec).name
    spec = load_spec(path)
    record = store.grids.get(spec.name)
    changes = _differences(_comparable(record.spec), _comparable(spec.model_dump(mode="json")))
    if changes:
        raise SpecError(
            f"{path} has changed since the grid {spec.name} was begun: {changes[0]}. Put it back, give the grid "
            f"another name, or have it replaced with `dragoman run {path}`."
        )
    return spec.name


def _comparable(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """A spec as this program would write it, whenever and wherever it was read: fields may have come since."""
    plan = make_plan(GridSpec.model_validate(content))
    whole: Mapping[str, Any] = _without_folders(plan.spec.model_dump(mode="json"))
    return whole


def _without_folders(part: Any) -> Any:
    """What a spec says of its corpora and translations, not where it stood; texts are compared by what they hold."""
    if isinstance(part, list):
        return [_without_folders(item) for item in part]
    if not isinstance(part, dict):
        return part
    is_placed = {"kind", "options"} <= part.keys() or {"path", "columns"} <= part.keys()
    return {key: _without_folders(value) for key, value in part.items() if not (is_placed and key == "folder")}


def _differences(before: Any, now: Any, place: str = "") -> list[str]:
    """What differs between two specs, as `evaluation.sentences was 100 and is 50`."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        keys = sorted({*before, *now})
        return [
            change
            for key in keys
            for change in _differences(before.get(key), now.get(key), f"{place}.{key}".strip("."))
        ]
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        pairs = enumerate(zip(before, now, strict=True))
        return [change for index, (one, other) in pairs for change in _differences(one, other, f"{place}.{index}")]
    return [] if before == now else [f"{place} was {_short(before)} and is {_short(now)}"]


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
