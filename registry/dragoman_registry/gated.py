"""Which aliases are gated: those that move by `dragoman promote` alone."""

from dragoman.store.store import Store
from dragoman_registry.audit import AuditLog


def gated_aliases(store: Store, name: str) -> set[str]:
    """The aliases of a registered model that a grid's promotion policy names, or that the audit trail speaks of."""
    policies = [grid.spec.get("promotion") or {} for grid in store.grids()]
    named = {policy.get("alias", "champion") for policy in policies if policy.get("model") == name}
    return named | {record.alias for record in AuditLog(store.database).records(name)}
