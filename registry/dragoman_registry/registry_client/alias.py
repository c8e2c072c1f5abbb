"""Compare-and-swap of an alias in MLflow's registry: it moves only if it is still where it was read.

MLflow's own call is last-write-wins. This is the one module that uses names MLflow keeps private (its registry's
SQLAlchemy store and tables, and the delivery of its webhooks), which is why MLflow's version is pinned exactly.
"""

from typing import Any

from dragoman.errors import ModelError
from dragoman_registry.registry_client.client import client_at


def compare_and_swap(uri: str, name: str, alias: str, expected: str | None, version: str) -> bool:
    """Move an alias to a version if it stands at the expected one (None: if it is not set); False if it does not.

    Against a database this is one transaction: of any number at once, exactly one succeeds. A tracking server (an HTTP
    address) offers no such call: there the alias is read and then written, which the promotions of one results store
    are protected from (`dragoman_registry.promotion.promotion` lets one at a time through), but another client of that
    server, in the instant between, is not.

    MLflow's webhooks are told, as after a change asked of its own server.

    Raises:
        ModelError: the registry has no such version.
    """
    from mlflow.exceptions import MlflowException
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore
    from mlflow.tracking._model_registry.utils import _get_store

    client_at(uri)
    store: Any = _get_store(uri, uri)  # type: ignore[no-untyped-call]
    try:
        if isinstance(store, SqlAlchemyStore):
            moved = _swap_in_database(store, name, alias, expected, version)
            if moved:
                _tell_webhooks(store, name, alias, version)
            return moved
        store.get_model_version(name, version)
        if store.get_registered_model(name).aliases.get(alias) != expected:
            return False
        store.set_registered_model_alias(name, alias, version)
        return True
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise ModelError(
                f"The registry has no version {version} of '{name}' any more: register it again."
            ) from error
        raise


def _swap_in_database(store: Any, name: str, alias: str, expected: str | None, version: str) -> bool:
    from mlflow.store.model_registry.dbmodels.models import SqlRegisteredModelAlias as Alias
    from sqlalchemy import insert, update
    from sqlalchemy.exc import IntegrityError

    workspace = store._get_active_workspace()
    with store.ManagedSessionMaker(read_only=False) as session:
        # the write comes first: it takes SQLite's lock, and no reader's snapshot is in its way
        if expected is None:
            row = {"workspace": workspace, "name": name, "alias": alias, "version": int(version)}
            try:
                session.execute(insert(Alias).values(**row))
            except IntegrityError:
                session.rollback()
                store._get_sql_model_version(session, name, version)
                return False
        else:
            where = (
                Alias.workspace == workspace,
                Alias.name == name,
                Alias.alias == alias,
                Alias.version == int(expected),
            )
            if session.execute(update(Alias).where(*where).values(version=int(version))).rowcount != 1:
                return False
        store._get_sql_model_version(session, name, version)  # refuses a version that is not there: all is rolled back
        return True


def _tell_webhooks(store: Any, name: str, alias: str, version: str) -> None:
    """Have those who subscribed notified, in the background: MLflow does so in its server, not in its store."""
    from mlflow.entities.webhook import WebhookAction, WebhookEntity, WebhookEvent
    from mlflow.webhooks.delivery import deliver_webhook
    from mlflow.webhooks.types import ModelVersionAliasCreatedPayload

    event = WebhookEvent(WebhookEntity.MODEL_VERSION_ALIAS, WebhookAction.CREATED)
    deliver_webhook(
        event=event, payload=ModelVersionAliasCreatedPayload(name=name, alias=alias, version=version), store=store
    )
