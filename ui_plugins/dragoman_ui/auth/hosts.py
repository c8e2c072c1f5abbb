"""Host and origin of requests: the server answers to its own names only, and not to pages of other sites.

A page of an attacker's whose name is made to lead to this machine (DNS rebinding) sends that name as `Host`. MLflow has
a check of it, and the same variable sets the names for both: `MLFLOW_SERVER_ALLOWED_HOSTS`. Where it is not set, MLflow
takes `10.*` for an address, and `10.attacker.example` matches that; here only the loopback names and literal private
addresses count, which no DNS can redirect.
"""

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Names of this machine for itself."""

_LONGEST = 80
"""Characters of a header that an error repeats."""


def host_fault(hosts: Sequence[str]) -> str | None:
    """What is wrong with the `Host` headers of a request, if anything is: a sentence."""
    from mlflow.server.security_utils import get_allowed_hosts_from_env, is_allowed_host_header

    if len(hosts) != 1:
        return f"A request needs one Host header; this one has {len(hosts)}."
    (host,) = hosts
    named = get_allowed_hosts_from_env()
    if is_allowed_host_header(named, host) if named else is_private(host):
        return None
    return (
        f"This server does not answer to the Host {shown(host)}: if it is a name of the server's, have it started with "
        "MLFLOW_SERVER_ALLOWED_HOSTS naming it."
    )


def origin_fault(origin: str | None, site: str | None, host: str) -> str | None:
    """What is wrong with the page that a browser's request comes from, if anything is: a sentence.

    Args:
        origin: the header `Origin`, which browsers send with every write, and with reads by scripts of other origins.
        site: the header `Sec-Fetch-Site`, for a write.
        host: the header `Host`.
    """
    from mlflow.server.security_utils import get_allowed_origins_from_env

    if origin is not None:
        named = get_allowed_origins_from_env() or []
        if origin in named or "*" in named:
            return None
        if urlsplit(origin).netloc.lower() != host.lower():
            return (
                f"A page of {shown(origin)} can't ask this server: use the server's own pages, or have it started with "
                "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS naming the page's origin."
            )
    if site not in (None, "same-origin", "none"):
        return "A page of another site can't write here: use the server's own pages."
    return None


def shown(text: str) -> str:
    """A header as an error repeats it: short, and in printable ASCII."""
    return ascii(text[:_LONGEST])


def is_private(host: str) -> bool:
    """Whether a `Host` is a loopback name or a literal private address, with or without a port."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name in LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(name).is_private
    except ValueError:
        return False
