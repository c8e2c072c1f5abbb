"""Aliases of registered models that rest on a grid: while one does, the grid stays."""

from dragoman.errors import DragomanError
from dragoman.store.maintenance.deletion import Deletion
from dragoman_registry.registry_client.client import speaking
from dragoman_registry.registry_client.versions import registered


class InUseError(DragomanError):
    """A grid that a registered version with an alias rests on."""


def resting_on(uri: str, planned: Deletion) -> list[str]:
    """The aliases of registered models that rest on a grid or on a model that would go, as ``NAME@ALIAS``.

    A gate compares with the cells of the version that an alias stands at, and reads them from its grid.

    Args:
        uri: MLflow's registry.
        planned: what would go.
    """
    ids = {model.id for model in planned.models}
    names = {*planned.grids, *planned.former_names}
    with speaking(uri):
        return [
            f"{model.name}@{alias}"
            for model in registered(uri)
            for alias, number in model.aliases.items()
            for version in model.versions
            if version.version == number and (version.grid in names or version.model in ids)
        ]
