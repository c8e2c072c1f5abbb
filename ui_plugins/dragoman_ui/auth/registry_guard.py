"""Guard of MLflow's model registry: a gated alias can be moved by `dragoman promote` only.

Besides moving or removing a gated alias it refuses what is equivalent: deleting the version or the model it points at,
renaming the model, renaming another one that carries the alias to the guarded name, and changing the tags that hold a
version's scores and the trail's end.

A client with a database URI of its own is not stopped; `dragoman history` shows what it did.
"""

from collections.abc import Mapping
from typing import Any, NoReturn

from dragoman.settings import settings
from dragoman_registry.audit.log import Action, AuditEntry, AuditLog, Outcome, this_process
from dragoman_registry.audit.witness import attest
from dragoman_registry.promotion.gated_aliases import gated_aliases
from dragoman_ui.auth.store_checks import check_stores, precede
from dragoman_ui.auth.users import who
from dragoman_ui.viewmodels.store import open_store, store_if_any

_TAGS = "dragoman."
"""Prefix of the tags that Dragoman writes."""


def guard_registry() -> None:
    """Wrap the model registry store of the MLflow server in this process."""
    check_stores("model_registry", guarded)


def guarded(store: Any) -> Any:
    """Wrap a store of MLflow's model registry with checks of every change that affects a gated alias."""
    guard = _Guard(store)
    return precede(
        store,
        guard.set_registered_model_alias,
        guard.delete_registered_model_alias,
        guard.delete_model_version,
        guard.delete_registered_model,
        guard.rename_registered_model,
        guard.set_registered_model_tag,
        guard.delete_registered_model_tag,
        guard.set_model_version_tag,
        guard.delete_model_version_tag,
    )


class _Guard:
    """The checks, each with the name and parameters of the store's method that it precedes."""

    def __init__(self, registry: Any) -> None:
        self._model = registry.get_registered_model
        self._version = registry.get_model_version

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        self._refuse_gated(name, alias, str(version), f"Moving {name}@{alias} to version {version}")

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        self._refuse_gated(name, alias, "", f"Removing the alias {name}@{alias}")

    def delete_model_version(self, name: str, version: str) -> None:
        self._refuse_deletion(name, f"Deleting version {version} of {name}", str(version))

    def delete_registered_model(self, name: str) -> None:
        self._refuse_deletion(name, f"Deleting {name}")

    def rename_registered_model(self, name: str, new_name: str) -> None:
        self._refuse_deletion(name, f"Renaming {name} to {new_name}")
        carried = self._aliases(name) if _gated(new_name) else {}
        for alias, version in carried.items():
            self._refuse_gated(new_name, alias, version, f"Renaming {name} to {new_name} with its alias {alias}")

    def set_registered_model_tag(self, name: str, tag: Any) -> None:
        self._refuse_tag(name, None, tag.key, tag.value)

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        self._refuse_tag(name, None, key)

    def set_model_version_tag(self, name: str, version: str, tag: Any) -> None:
        self._refuse_tag(name, str(version), tag.key, tag.value)

    def delete_model_version_tag(self, name: str, version: str, key: str) -> None:
        self._refuse_tag(name, str(version), key)

    def _refuse_gated(self, name: str, alias: str, version: str, what: str) -> None:
        # MLflow on MySQL finds an alias in any case
        if alias.casefold() in {each.casefold() for each in _gated(name)}:
            _refuse(name, {alias: self._aliases(name).get(alias)}, version, what)

    def _refuse_deletion(self, name: str, what: str, version: str | None = None) -> None:
        """Refuse to delete a version (any, by default) that gated aliases point at."""
        standing = {alias: at for alias, at in self._gated_versions(name).items() if version in (None, at)}
        if standing:
            _refuse(name, standing, "", what)

    def _refuse_tag(self, name: str, version: str | None, key: str, value: str | None = None) -> None:
        """Refuse to change (None: to delete) what Dragoman has written; a tag that is not there yet may be set."""
        if not key.startswith(_TAGS) or not (standing := self._gated_versions(name)):
            return
        tagged = self._model(name) if version is None else self._version(name, version)
        if key in tagged.tags and tagged.tags[key] != value:
            of = name if version is None else f"{name}@{version}"
            _refuse(name, standing, version or "", f"Changing the tag {key} of {of}")

    def _aliases(self, name: str) -> dict[str, str]:
        from mlflow.exceptions import MlflowException

        try:
            return {alias: str(version) for alias, version in self._model(name).aliases.items()}
        except MlflowException:  # there is no such model, which MLflow reports
            return {}

    def _gated_versions(self, name: str) -> dict[str, str]:
        """The gated aliases that are set, with their versions."""
        gated = _gated(name)
        return {alias: at for alias, at in self._aliases(name).items() if alias in gated} if gated else {}


def _gated(name: str) -> set[str]:
    store = store_if_any()
    return set() if store is None else gated_aliases(store, name)


def _refuse(name: str, standing: Mapping[str, str | None], version: str, what: str) -> NoReturn:
    """Record the attempt for each alias, and raise an error with what to do instead."""
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import PERMISSION_DENIED

    alias, log = next(iter(standing)), AuditLog(open_store().database)
    for each, at in standing.items():
        log.add(
            AuditEntry(
                actor=who(),
                process=this_process(),
                action=Action.DIRECT,
                outcome=Outcome.REFUSED,
                name=name,
                alias=each,
                from_version=at,
                to_version=version,
                reason=f"{what} was asked of MLflow itself.",
            )
        )
    attest(log, settings())
    raise MlflowException(
        f"{what} is refused and recorded: the alias {alias} of {name} is gated. "
        f"Use `dragoman promote {name}@{version or 'VERSION'} --alias {alias}`, or `dragoman rollback {name}`.",
        error_code=PERMISSION_DENIED,
    )
