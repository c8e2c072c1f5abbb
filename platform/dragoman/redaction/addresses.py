"""Credentials in URLs, in headers of HTTP and in cookies."""

import base64
import binascii
import re

from dragoman.redaction.shape import Shape
from dragoman.redaction.values import is_plain, is_random

_DATABASES = re.compile(r"(?:postgres|mysql|maria|mongodb|redis|amqp|oracle|mssql|cockroach)", re.IGNORECASE)


def is_basic(text: str) -> bool:
    """Whether Base64 holds `user:password` (RFC 7617, section 2)."""
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_" if re.search("[-_]", text) else None)
        return re.fullmatch(r"[\w.@+-]+:[^\x00-\x1f\x7f]{3,}", content.decode()) is not None
    except (binascii.Error, ValueError):
        return False


def _is_password(match: re.Match[str]) -> bool:
    """Whether what stands before an `@` is a password, and neither a port with a path nor the tag of an image."""
    secret = match["secret"]
    if match["after"].startswith("sha256"):
        return False
    port = re.match(r"\d{1,5}(?=[/?#]|[\s,;)'\"]|$)", secret)
    of_database = _DATABASES.match(match["scheme"] or "")
    return port is None or (of_database is not None and re.match(r"\d+/[^/?#\s]+$", secret) is not None)


_SEVERAL = r"(?:digest|aws4-hmac-sha256|signature|oauth|hawk)"
_SCHEME = rf"(?:bearer|basic|token|api-?key|negotiate|ntlm|hmac|jwt|dpop|key|{_SEVERAL})"
_START = r"""(?<![A-Za-z0-9])(?:proxy-)?authorization\\*["']?\s*[:=,]\s*[\[(]?\s*b?\\*["']?"""

ADDRESSES = (
    # the password may hold anything up to the last @ before white space, or else to the first one after it
    Shape(
        r"""(?P<scheme>\b[a-z][a-z0-9+.-]{1,30})?:?//[^\s/:'"\[]*:(?P<secret>(?:(?!://)[^\s<>]){1,1000})@(?P<after>[\w\[%.*-]+)""",
        "//",
        check=_is_password,
        flags=re.IGNORECASE,
    ),
    Shape(
        r"""(?P<scheme>\b[a-z][a-z0-9+.-]{1,30})?://[^\s/:@'"\[]*:(?P<secret>(?:(?!//)[^\n@]){1,200}?)@
            (?P<after>[\w\[%.*-]+)(?=[:/?\s'"),;]|$)""",
        "://",
        check=_is_password,
        flags=re.IGNORECASE,
    ),
    Shape(r"://(?P<secret>(?=[\w-]*\d)[\w-]{20,})@", "://"),
    # a URL in the parameter of another
    Shape(r"%2F%2F[\w.-]*%3A(?P<secret>(?:(?!%40|%2F%2F)[^\s&])+)%40", "%2f%2f", flags=re.IGNORECASE),
    # several parameters, some in quotes: to the end of the line
    Shape(
        rf"""{_START}{_SEVERAL}\s+(?P<secret>[^\r\n]+?)(?=\\*["']?\s*[)\]}}]*\s*$)""",
        "authorization",
        flags=re.IGNORECASE,
    ),
    Shape(
        rf"""{_START}(?!{_SEVERAL}\b){_SCHEME}[\s:=]+(?P<secret>[^\s"'\\]+)""",
        "authorization",
        check=lambda match: not is_plain(match["secret"]),
        flags=re.IGNORECASE,
    ),
    Shape(
        rf"""{_START}(?!{_SCHEME}\b)(?P<secret>[^\s"'\\,;]+)""",
        "authorization",
        check=lambda match: is_random(match["secret"], 8, 20),
        flags=re.IGNORECASE,
    ),
    Shape(
        r"\bbearer\s+(?P<secret>[\w.~+/=-]{8,})",
        "bearer",
        check=lambda match: is_random(match["secret"], 8, 24),
        flags=re.IGNORECASE,
    ),
    Shape(
        r"""(?<![\w-])(?:set-)?cookie\\*["']?\s*[:=,]\s*b?\\*["']?
            (?P<secret>[\w.-]+=[^\r\n"']*(?:"[^"\r\n]*")?[^\r\n"']*)""",
        "cookie",
        flags=re.IGNORECASE,
    ),
    Shape(
        r"""(?<![\w-])cookies["']?\s*[:=]\s*(?P<secret>\{[^}\n]*["'][^}\n]*\})""",
        "cookies",
        flags=re.IGNORECASE,
    ),
    # of parameters, those whose names say it
    Shape(
        r"""(?<=[?&;])(?:amp;)?(?:[\w.-]*(?:password|passwd|pwd|secret|api_?key|access_?key|auth_?token|access_?token)
            [\w.-]*|pass|x-amz-[\w-]*(?:token|signature|credential)|x-goog-(?:signature|credential)|awsaccesskeyid)
            =(?P<secret>(?:[^&\s"'<>\#`]|["'`](?=[^\s,;)\]}"'`&]))+)""",
        "?",
        "&",
        check=lambda match: not is_plain(match["secret"]),
        flags=re.IGNORECASE,
    ),
    Shape(
        r"""(?<=[?&;])(?:amp;)?(?:sig|signature|hmac|code|auth|st|ticket)=
            (?P<secret>(?:[A-Za-z0-9+/_.~-]|%2[BbFf]|%3[Dd])+=*)(?=[&\s"'<>)\#;]|$)""",
        "?",
        "&",
        check=lambda match: is_random(match["secret"], 16, 24),
        flags=re.IGNORECASE,
    ),
    Shape(
        r"(?<![A-Za-z0-9+/_=-])(?P<secret>[A-Za-z0-9+/_-]{12,400})={0,2}(?![A-Za-z0-9+/_-])",
        "",
        check=lambda match: re.search(r"[A-Z]", match["secret"]) is not None and is_basic(match["secret"]),
    ),
)
"""Shapes of them."""
