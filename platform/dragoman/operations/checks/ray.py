"""Check of Ray: a cluster that accepts our token and no other, or a package that can start one here."""

import json
import os
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from dragoman.operations.checks.http import ask
from dragoman.operations.finding import Finding, fault, fine, warning
from dragoman.settings import Settings

PART = "Ray"


def check(settings: Settings) -> Iterator[Finding]:
    """Check the cluster of the settings, or the package."""
    try:
        here = version("ray")
    except PackageNotFoundError:
        here = None
    if settings.ray:
        yield from _check_cluster(settings.ray.rstrip("/"), here)
    elif here:
        yield fine(PART, f"{here}, started when it is needed")
    else:
        yield warning(
            PART, "not installed, and no cluster is named", "pip install 'dragoman[jobs]', or set DRAGOMAN_RAY"
        )


def _check_cluster(url: str, here: str | None) -> Iterator[Finding]:
    secret = token()
    answer = ask(f"{url}/api/version", f"Bearer {secret}" if secret else None)
    if answer.status == 0:
        yield fault(PART, f"nothing answers at {url} ({answer.text})", "start the cluster, or mend DRAGOMAN_RAY")
    elif answer.status in (401, 403):
        told = "refuses the token" if secret else "wants a token"
        yield fault(PART, f"{url} {told}", "set RAY_AUTH_TOKEN, or RAY_AUTH_TOKEN_PATH, to the cluster's")
    elif answer.status != 200:
        yield fault(PART, f"{url} answers {answer.status}", "see that it is the dashboard's address, and its log")
    elif ask(f"{url}/api/version").status == 200:
        remedy = "start every node with RAY_AUTH_MODE=token, and keep its ports off the network until then"
        yield fault(PART, f"{url} runs whatever anyone sends it: it asks for no token", remedy)
    else:
        there = json.loads(answer.text)["ray_version"]
        if here and here != there:
            yield fault(PART, f"{url} runs {there}, this machine has {here}", f"pip install 'ray[default]=={there}'")
        else:
            yield fine(PART, f"{there} at {url}, asks for its token")


def token() -> str | None:
    """The token of this process, from the places that Ray reads."""
    if found := os.environ.get("RAY_AUTH_TOKEN"):
        return found
    file = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
    return file.read_text(encoding="utf-8").strip() if file.is_file() else None
