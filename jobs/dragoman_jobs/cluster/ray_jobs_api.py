"""A client of Ray's Jobs API over HTTP with a bearer token: nothing of Ray is needed on this side.

The paths are those of Ray's own client (`ray.job_submission.JobSubmissionClient`).
"""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dragoman.errors import first_line
from dragoman.redaction import remember
from dragoman_jobs.cluster.base import ClusterError, Share

SECONDS = 15.0
"""How long an answer may take."""

AGENT_SECONDS = 60.0
"""How long the agent that starts jobs may take to register after the head has started."""

ENDED = frozenset({"SUCCEEDED", "FAILED", "STOPPED"})
"""The states of a job that does nothing any more."""


class RayJobs:
    """The jobs of one cluster."""

    def __init__(self, address: str, seconds: float = SECONDS) -> None:
        """Prepare; nothing is asked yet.

        Args:
            address: of the cluster's dashboard, `http://HOST:8265`.
            seconds: how long an answer may take.

        Raises:
            ClusterError: it is no such address.
        """
        if not address.startswith(("http://", "https://")):
            raise ClusterError(
                f"The address '{address}' is none of a Ray dashboard: write http://HOST:8265, as `ray start` prints it."
            )
        self.address = address.rstrip("/")
        self._seconds = seconds

    def check(self) -> None:
        """Make sure that the cluster answers, and takes the token.

        Raises:
            ClusterError: it doesn't.
        """
        self._ask("GET", "/api/version")

    def nodes(self) -> list[Share]:
        """What each node has in all.

        Raises:
            ClusterError: the cluster can't be asked.
        """
        found = self._ask("GET", "/api/v0/nodes?detail=true&limit=10000")["data"]["result"]["result"]
        resources = [node["resources_total"] for node in found if node["state"] == "ALIVE"]
        return [Share(each.get("CPU", 0.0), each.get("GPU", 0.0)) for each in resources]

    def usage(self) -> list[Mapping[str, Any]]:
        """What each node does, as the agents there last said.

        Raises:
            ClusterError: the cluster can't be asked.
        """
        found = self._ask("GET", "/nodes?view=summary")["data"]["summary"]
        return [node for node in found if node.get("mem") and node.get("raylet", {}).get("state") == "ALIVE"]

    def submit(
        self, submission: str, entrypoint: str, environment: Mapping[str, str], metadata: dict[str, str]
    ) -> None:
        """Start a command on the cluster's head; it holds no resources, so that it can't wait for any.

        Args:
            submission: what the job is called; a second one of that name is the first.
            entrypoint: the command.
            environment: variables of its environment.
            metadata: shown beside it.

        Raises:
            ClusterError: the cluster refused it.
        """
        job = {
            "submission_id": submission,
            "entrypoint": entrypoint,
            "runtime_env": {"env_vars": dict(environment)},
            "metadata": metadata,
        }
        deadline = time.monotonic() + AGENT_SECONDS
        while True:
            try:
                self._ask("POST", "/api/jobs/", job)
                return
            except ClusterError as error:
                if "already exists" in str(error):  # the answer to an earlier try was lost on its way
                    return
                if "No available agent" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(1.0)

    def job(self, submission: str) -> Mapping[str, Any] | None:
        """What Ray knows of a job; None where it knows nothing of it, as after a restart.

        Raises:
            ClusterError: the cluster can't be asked.
        """
        found: Mapping[str, Any] | None = self._ask("GET", f"/api/jobs/{submission}", missing=None)
        return found

    def log(self, submission: str) -> str:
        """What a job has written, or nothing if Ray has forgotten it.

        Raises:
            ClusterError: the cluster can't be asked.
        """
        found = self._ask("GET", f"/api/jobs/{submission}/logs", missing={})
        return str(found.get("logs", ""))

    def page(self, submission: str) -> str:
        """The job's page on the dashboard."""
        return f"{self.address}/#/jobs/{submission}"

    def _ask(self, verb: str, path: str, content: Any = None, missing: Any = ...) -> Any:
        import requests

        token = auth_token()
        try:
            answer = requests.request(
                verb,
                f"{self.address}{path}",
                json=content,
                headers={"Authorization": f"Bearer {token}"} if token else {},
                timeout=self._seconds,
            )
        except requests.RequestException as error:
            raise ClusterError(
                f"There is no Ray cluster at {self.address} ({_reason(error)}): correct --address, or start one with "
                "`ray start --head`."
            ) from error
        if answer.status_code in (401, 403):
            how = "wants a token" if answer.status_code == 401 else "refuses the token"
            raise ClusterError(
                f"The Ray cluster at {self.address} {how}: set RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH to the cluster's."
            )
        if answer.status_code == 404 and missing is not ...:
            return missing
        if not answer.ok:
            raise ClusterError(
                f"The Ray cluster at {self.address} answered {verb} {path} with {answer.status_code} "
                f"({first_line(ValueError(answer.text))}): check that it is a dashboard of Ray 2."
            )
        try:
            return answer.json()
        except ValueError as error:
            raise ClusterError(
                f"{self.address} is no Ray dashboard (it answers {path} with no JSON): correct --address."
            ) from error


def auth_token() -> str | None:
    """The token of the cluster, from where Ray's own tools take it; None where there is none.

    Raises:
        ClusterError: its file can't be read.
    """
    if token := os.environ.get("RAY_AUTH_TOKEN"):
        return token.strip()
    for path in (os.environ.get("RAY_AUTH_TOKEN_PATH"), Path.home() / ".ray" / "auth_token"):
        try:
            if path and Path(path).is_file():
                token = Path(path).read_text(encoding="utf-8").strip()
                remember(token)
                return token
        except (OSError, UnicodeDecodeError) as error:
            raise ClusterError(
                f"The token of the Ray cluster can't be read from {path} ({first_line(error)}): let this user read it, "
                "or set RAY_AUTH_TOKEN."
            ) from error
    return None


def _reason(error: Exception) -> str:
    """The last words of a chain of connection errors, such as `Connection refused`."""
    text = str(error)
    for words in ("Connection refused", "Name or service not known", "timed out", "No route to host"):
        if words in text:
            return words.lower()
    return type(error).__name__
