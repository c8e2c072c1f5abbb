"""Protection of writes against cross-site request forgery (CSRF).

Every write is checked for three things, after MLflow's authentication:

1. It comes from our own pages, if from a browser: `Origin` and `Sec-Fetch-Site` show it. MLflow's own check lets every
   origin on this machine through, and another program's page on another port is not ours.
2. It has a token in the header `X-Dragoman-Token` that belongs to the cookie beside it (a signed double submit:
   https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html). Other sites
   can neither read the token nor make one, and it is bound to the user. `GET session` returns it.
3. A program, which has no cookies that could be used against its will, sends `X-Dragoman-Client: NAME` in place of the
token. That holds only where nothing shows a browser: no cookie, no `Origin`, no `Sec-Fetch-Site`. No form can send
   the header, and a script of another site can't without `Origin`.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from flask import Response, request

from dragoman.settings import settings
from dragoman_ui.auth.users import ForbiddenError, signed_in

COOKIE = "dragoman"
TOKEN = "X-Dragoman-Token"  # noqa: S105
CLIENT = "X-Dragoman-Client"
_LONGEST = 100
"""Characters of a cookie that may be one of ours."""


def check() -> None:
    """Let a write through that its user intended.

    Raises:
        ForbiddenError: it comes from another site, or has no token.
    """
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise ForbiddenError(f"A page of {origin} can't write here: use Dragoman's own pages.")
    if site is not None and site != "same-origin":
        raise ForbiddenError("A page of another site can't write here: use Dragoman's own pages.")
    if request.headers.get(CLIENT) and not (origin or site or request.headers.get("Cookie")):
        return
    cookie, token = request.cookies.get(COOKIE, ""), request.headers.get(TOKEN, "")
    if not cookie or not hmac.compare_digest(token.encode(), _token(cookie).encode()):
        raise ForbiddenError(
            f"The write brings no valid token: ask `session` for one and send it as {TOKEN} with its cookie, or, "
            f"from a program without cookies, send {CLIENT} with its name."
        )


def issue() -> tuple[str, str]:
    """A cookie, the one that came with the request if there was one, and the token that belongs to it."""
    cookie = request.cookies.get(COOKIE, "")
    if not cookie or len(cookie) > _LONGEST:
        cookie = secrets.token_urlsafe(32)
    return cookie, _token(cookie)


def keep(response: Response, cookie: str) -> None:
    """Set the cookie: for our API's path alone, HttpOnly and SameSite=Strict."""
    path = request.path.rpartition("/")[0]
    response.set_cookie(COOKIE, cookie, path=path, secure=request.is_secure, httponly=True, samesite="Strict")
    response.headers["Cache-Control"] = "no-store"


def _token(cookie: str) -> str:
    said = f"dragoman token\0{cookie}\0{signed_in() or ''}"
    return hmac.new(_key(), said.encode(), hashlib.sha256).hexdigest()


def _key() -> bytes:
    """The secret that all workers of this server share: MLflow's, where it has one, else one kept in our home."""
    if given := os.environ.get("MLFLOW_FLASK_SERVER_SECRET_KEY"):
        return given.encode()
    file = settings().home / "server.key"
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return _made(file)


def _made(file: Path) -> bytes:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(secrets.token_bytes(32))
    try:
        os.link(draft, file)  # created atomically, and only once: the first of several workers wins
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return file.read_bytes()
