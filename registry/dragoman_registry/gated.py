"""Which aliases are gated: those that move by `dragoman promote` alone."""

from dragoman.spec.promotion import Promotion
from dragoman.store.store import Store
from dragoman_registry.audit import AuditLog


def gated_aliases(store: Store, name: str) -> set[str]:
    """The aliases of a registered model that a grid's promotion policy speaks of, or the audit trail."""
    specs = [grid.spec.get("promotion") for grid in store.grids()]
    policies = [Promotion.model_validate(spec) for spec in specs if spec and spec.get("model") == name]
    named = {alias for policy in policies for alias in policy.known_aliases}
    return named | {record.alias for record in AuditLog(store.database).records(name)}
