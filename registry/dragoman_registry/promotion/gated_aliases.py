"""Gated aliases: those that only `dragoman promote` may move."""

from typing import Any

from pydantic import ValidationError

from dragoman.spec.promotion import Promotion
from dragoman.store.store import Store
from dragoman_registry.audit.log import AuditLog


def gated_aliases(store: Store, name: str) -> set[str]:
    """The aliases of a registered model that a grid's promotion policy speaks of, or the audit trail."""
    specs = [grid.spec.get("promotion") for grid in store.grids.all()]
    named = {alias for spec in specs if spec and spec.get("model") == name for alias in _named(spec)}
    return named | {record.alias for record in AuditLog(store.database).records(name)}


def _named(spec: dict[str, Any]) -> tuple[str, ...]:
    """The aliases of a policy as it was stored; one that this version can't read still gates those it writes out."""
    try:
        return Promotion.model_validate(spec).known_aliases
    except ValidationError:
        written = [spec.get("alias", "champion"), *(spec.get("aliases") or ())]
        return tuple(alias for alias in written if isinstance(alias, str))
