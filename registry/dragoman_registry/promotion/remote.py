"""A client that promotes through an MLflow server with Dragoman's plugin, which judges and moves the alias itself."""

import os
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from dragoman.api import API_PREFIX
from dragoman.errors import ModelError
from dragoman.settings import Settings
from dragoman.store.store import Store
from dragoman_registry.audit.log import AuditRecord, this_user
from dragoman_registry.promotion.promotion import ForbiddenError, PromotionError, Promotions
from dragoman_registry.promotion.requests import Decision, PromotionRequest, RollbackRequest
from dragoman_registry.registry_client.client import is_server, without_password

TIMEOUT_SECONDS = 300
"""Seconds the server may take to answer."""

_HEADERS = {"Content-Type": "application/json", "X-Dragoman-Client": "dragoman"}
"""The second header marks a program, and stands for the token that a browser's pages send (`dragoman_ui.auth.csrf`): no
other site can make a browser send it."""


class RemotePromotions:
    """The promoter of a server; its actor is who signs in there with MLflow's own variables for user and password."""

    def __init__(self, uri: str, actor: str) -> None:
        """Take the tracking server's address, and who asks where nobody signs in."""
        self.uri = uri
        self._api = uri.rstrip("/") + API_PREFIX
        self._actor = actor

    @classmethod
    def at(cls, uri: str, actor: str) -> "RemotePromotions | None":
        """The promoter of the server at a URI; None where it is a database, or a server without the plugin.

        Raises:
            ModelError: the server can't be reached, or does not let us in.
        """
        if not is_server(uri):
            return None
        found = cls(uri, actor)
        response = found._send("GET", "openapi.json")
        if response.status_code in (401, 403):
            found._refuse(response)
        described = response.json() if _is_json(response) and response.ok else {}
        return found if "post" in described.get("paths", {}).get("/promote", {}) else None

    def ask(self, request: PromotionRequest) -> Decision:
        """As `Promotions.ask`, with its errors."""
        return Decision.model_validate(self._post("promote", request))

    def rollback(self, name: str, alias: str, reason: str) -> AuditRecord:
        """As `Promotions.rollback`, with its errors."""
        return AuditRecord.model_validate(
            self._post("rollback", RollbackRequest(name=name, alias=alias, reason=reason))
        )

    def _post(self, path: str, asked: BaseModel) -> Any:
        body = asked.model_copy(update={"actor": self._actor})
        response = self._send("POST", path, body.model_dump_json(exclude_defaults=True))
        if not response.ok:
            self._refuse(response)
        return response.json()

    def _send(self, method: str, path: str, body: str | None = None) -> Any:
        import requests

        user, token = os.environ.get("MLFLOW_TRACKING_USERNAME"), os.environ.get("MLFLOW_TRACKING_TOKEN")
        verify: Any = os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH") or True
        if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("true", "1"):
            verify = False
        try:
            return requests.request(
                method,
                f"{self._api}/{path}",
                data=body,
                headers=_HEADERS | ({"Authorization": f"Bearer {token}"} if token and not user else {}),
                verify=verify,
                auth=(user, os.environ.get("MLFLOW_TRACKING_PASSWORD", "")) if user else None,
                timeout=TIMEOUT_SECONDS,
            )
        except requests.RequestException as error:
            raise ModelError(
                f"The MLflow server at {without_password(self.uri)} can't be reached ({type(error).__name__}): "
                "check DRAGOMAN_MLFLOW, and that it runs."
            ) from error

    def _refuse(self, response: Any) -> None:
        """Raise what an answer that is none says."""
        said = response.json() if _is_json(response) else {}
        message = said.get("message") if isinstance(said, dict) else None
        shown = without_password(self.uri)
        if response.status_code == 401:
            raise ForbiddenError(
                f"The MLflow server at {shown} does not know who asks: set MLFLOW_TRACKING_USERNAME and "
                "MLFLOW_TRACKING_PASSWORD, or, for one that asks for a token, MLFLOW_TRACKING_TOKEN."
            )
        if response.status_code == 403:
            raise ForbiddenError(message or f"The MLflow server at {shown} does not let this user do that.")
        raise PromotionError(message or f"The MLflow server at {shown} answered {response.status_code}: see its log.")


def promoter(settings: Settings, open_store: Callable[[], Store]) -> Promotions | RemotePromotions:
    """Who promotes: the MLflow server if it runs Dragoman's plugin, else this process on the store that is opened.

    Raises:
        ModelError: the server can't be reached.
    """
    uri = settings.mlflow_url
    return RemotePromotions.at(uri, this_user()) or Promotions(open_store(), uri, may_force=settings.may_force)


def _is_json(response: Any) -> bool:
    return "json" in response.headers.get("Content-Type", "")
