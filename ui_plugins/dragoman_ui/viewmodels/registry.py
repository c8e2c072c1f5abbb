"""Registered versions and the gate's verdict on them."""

from dragoman_registry.gate import evidence
from dragoman_registry.gate.policy import policy_for
from dragoman_registry.gate.report import GateReport
from dragoman_registry.promotion.promotion import Promotions
from dragoman_registry.registry_client.versions import RegisteredVersion, version_at
from dragoman_ui.viewmodels.store import open_store


def judged(uri: str, version: RegisteredVersion, alias: str | None) -> tuple[GateReport, RegisteredVersion | None]:
    """The gate's report on a version by the policy of its grid, and the incumbent of the comparison, if there is one.

    Raises:
        DragomanError: the version is none of Dragoman's, or there is no policy for the alias.
    """
    store = open_store()
    grid = Promotions(store, uri).grid_of(version)
    policy = policy_for(grid, alias, name=version.name)
    incumbent = version_at(uri, version.name, policy.alias)
    return evidence.gate(store, grid, grid.names[version.model or ""], policy, incumbent), incumbent
