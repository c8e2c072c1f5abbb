"""The secrets that this process knows by their values, and a search for them in every form in which they are written.

They come from the environment (variables whose names say so, passwords in URLs) and from whoever reads one elsewhere:
the settings, a token's file, the key of an endpoint. Values stay in this process; nothing here is ever shown.
"""

import base64
import os
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import repeat
from urllib.parse import unquote, unquote_plus

_SHORTEST = 8
"""Characters from which on a value is masked wherever it stands, as a part of a word too."""

_SHORT = re.compile(r"(?=.*[a-zA-Z])(?=.*[^a-zA-Z]).{5,7}", re.DOTALL)
"""Shorter values that are masked where they stand alone: those that no word of a sentence is."""

_PUBLIC = frozenset({"dragoman", "password", "changeme", "localhost", "postgres", "sentinel"})
"""Values that would have every text masked and are no secrets to anybody."""

_VARIABLE = re.compile(
    r"(?:TOKEN(?!S|I[SZ]|_(?:TYPE|COUNT|LENGTH))|SECRET|PASSW(?:OR)?D|PASSPHRASE|PASSCODE|_PWD$|_PASS$|^PASS$|CREDENTIAL"
    r"|COOKIE|BEARER|API_?KEY|(?:ACCESS|SECRET|PRIVATE|SIGNING|ENCRYPTION|SESSION|AUTH|ACCOUNT|SUBSCRIPTION|MASTER"
    r"|LICEN[CS]E|CRYPTO|KEK|OPENAI|WANDB)_?KEY)",
    re.IGNORECASE,
)
"""Names of variables of the environment that hold a secret."""

_NOT_A_SECRET = re.compile(
    r"(?:_(?:FILE|PATH|DIR|FOLDER|URL|URI|NAME|VARIABLE|ENV|TTL|MODE|TYPE|EXPIRY|MINUTES|SECONDS|SOCK|HELPER|PROVIDER)"
    r"|^GOOGLE_APPLICATION_CREDENTIALS|^TOKENIZERS_PARALLELISM)$",
    re.IGNORECASE,
)
"""Names of variables that only say where one is, or how long it lasts."""

_AUTHORITIES = tuple(
    rf"//(?P<user>[^\s/:@]*):(?P<password>{password})@(?P<place>[^\s@]*)" for password in (".+", "[^@]+")
)
_QUERY = re.compile(
    r"[?&](?:[\w.-]*(?:password|passwd|pwd|secret|token|key|signature|credential)|sig|pass)=([^&#\s]+)", re.IGNORECASE
)

_remembered: frozenset[str] = frozenset()


def remember(*secrets: str) -> None:
    """Have values masked from now on in everything that this process shows.

    Args:
        secrets: such as a key that was read from a file.
    """
    global _remembered  # replaced whole, never changed: other threads read it
    if not _remembered.issuperset(secrets):
        _remembered = _remembered.union(secrets)


def remember_urls(*urls: str) -> None:
    """Have the secrets in URLs masked from now on: passwords, and parameters such as `password=` or `sig=`."""
    remember(*(secret for url in urls for secret in _of_url(url)))


def mask_known(text: str, mask: str) -> str:
    """A text without any secret that is known: in no form, whether quoted, escaped, percent-encoded or in Base64."""
    for search in _searches(_environment(), _remembered):
        text = search(text, mask)
    return text


def _environment() -> frozenset[tuple[str, str]]:
    """The variables that may hold a secret."""
    return frozenset((name, value) for name, value in os.environ.items() if _says_secret(name) or "://" in value)


@lru_cache(maxsize=1024)
def _says_secret(name: str) -> bool:
    return _VARIABLE.search(name) is not None and _NOT_A_SECRET.search(name) is None


@lru_cache(maxsize=8)
def _searches(
    environment: frozenset[tuple[str, str]], remembered: frozenset[str]
) -> tuple[Callable[[str, str], str], ...]:
    """A search for each secret, the longest first: one may be a part of another."""
    values = {value.strip() for value in (*remembered, *_of_environment(environment))}
    secret = {value for value in values if len(value) >= _SHORTEST or _SHORT.fullmatch(value)}
    return tuple(_search(value) for value in sorted(secret, key=len, reverse=True) if value.casefold() not in _PUBLIC)


def _of_environment(variables: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, value in variables:
        yield from _of_url(value)
        if _says_secret(name):
            yield value
            # a key of several lines: each is secret by itself
            yield from (line for line in value.splitlines() if len(line) > 2 * _SHORTEST and "-----" not in line)


def _of_url(url: str) -> Iterator[str]:
    """The password and the secret parameters of a URL, as they are written there and decoded."""
    # a password that is not encoded may hold an `@`: it ends before the last one, or before the first
    authorities = (re.search(pattern, url, re.DOTALL) for pattern in _AUTHORITIES)
    found = [match["password"] for match in authorities if match and not _is_public(match)]
    for each in (*found, *_QUERY.findall(url)):
        yield from {each, unquote(each), unquote_plus(each)}


def _is_public(match: re.Match[str]) -> bool:
    """Whether a password is its user's name, or the database's: without those no message could be read."""
    password = unquote(match["password"])
    is_port = re.match(r"\d{1,5}/", password) is not None
    return is_port or password in (unquote(match["user"]), *re.split(r"[/:?]", match["place"]))


def _search(value: str) -> Callable[[str, str], str]:
    """A function that masks one secret in a text."""
    escaped = re.compile(_pattern(value))
    # what every form has in it: if that is not in a text, nothing else need be looked for
    stem = max(re.findall(r"[A-Za-z0-9]+", value), key=len, default="")
    coded = tuple(_base64_parts(value)) if len(value) >= _SHORTEST else ()

    def search(text: str, mask: str) -> str:
        if stem in text:
            text = escaped.sub(lambda _: mask, text)
        for part in coded:
            if part in text:
                text = re.sub(rf"[A-Za-z0-9+/_-]*{re.escape(part)}(?:[A-Za-z0-9+/_=-]|%3[Dd])*", lambda _: mask, text)
        return text

    return search


def _pattern(value: str) -> str:
    """A regular expression of a secret in all its forms, nested ones too: JSON in the `repr` of a message, say."""
    runs = [match[0] for match in re.finditer(r"[A-Za-z0-9]+|([^A-Za-z0-9])\1*", value)]
    pattern = "".join(map(_run_pattern, runs[:-1], repeat(False))) + _run_pattern(runs[-1], is_last=True)
    return pattern if len(value) >= _SHORTEST else rf"(?<![A-Za-z0-9]){pattern}(?![A-Za-z0-9])"


def _run_pattern(run: str, is_last: bool) -> str:
    """A regular expression of letters and digits, or of one other character that stands there once or several times."""
    if run.isascii() and run.isalnum():
        return run
    if run[0] == "\\":
        return rf"(?:\\{{{len(run)},}}|(?:%(?:25)*5[Cc]){{{len(run)}}})"
    # quoting doubles some characters; at the end the second one would be the closing quote
    most = 2 * len(run) if run[0] in _DOUBLED and not is_last else len(run)
    return f"(?:{'|'.join(_forms(run[0]))}){{{len(run)},{most}}}"


def _forms(character: str) -> Iterator[str]:
    r"""Regular expressions of what a character is written as.

    Itself, perhaps behind backslashes (`repr`, JSON, shells, libpq); percent-encoded, also twice (RFC 3986, section
    2.1); `\u`, `\x` and `\n` of Python and JSON; a reference of HTML.
    """
    code = ord(character)
    octets = character.encode("utf-8", "surrogatepass")
    yield rf"\\*{re.escape(character)}"
    yield "".join(f"%(?:25)*{_hex(f'{octet:02x}')}" for octet in octets)
    if code > 0xFFFF:
        pair = character.encode("utf-16-be").hex()
        yield rf"\\+u{_hex(pair[:4])}\\+u{_hex(pair[4:])}|\\+U{_hex(f'{code:08x}')}"
    else:
        yield rf"\\+u{_hex(f'{code:04x}')}"
    yield "".join(rf"\\+x{_hex(f'{octet:02x}')}" for octet in octets)
    if code < 256:
        yield rf"\\+x{_hex(f'{code:02x}')}|\\+0?{code:03o}"
    yield f"&#0*{code};|&#[xX]0*{_hex(f'{code:x}')};"
    yield from _OTHER.get(character, ())


def _hex(digits: str) -> str:
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in digits)


_DOUBLED = "'\"%{}$"
"""Characters that some languages write twice: SQL, YAML, CSV, format strings, Compose files."""

_OTHER = {
    " ": (r"\+",),
    "\n": (r"\\+n", r"\r\n"),
    "\r": (r"\\+r",),
    "\t": (r"\\+t",),
    "\b": (r"\\+b",),
    "\f": (r"\\+f",),
    "'": (r"'\"'\"'", r"'\\+''", "&apos;"),
    '"': ("&quot;",),
    "&": ("&amp;",),
    "<": ("&lt;",),
    ">": ("&gt;",),
}
"""Forms of single characters: of forms, of strings, of shells' quotes, of HTML."""


def _base64_parts(value: str) -> Iterable[str]:
    """What is in the Base64 of every text that a secret is a part of, as in `Basic` credentials (RFC 7617).

    Three bytes are four characters: there are three ways in which the secret's bytes can lie, and the characters at
    its ends depend on what is around it.
    """
    content = value.encode("utf-8", "surrogatepass")
    parts: set[str] = set()
    for before in range(3):
        bits = 8 * before
        coded = base64.b64encode(b"\0" * before + content).decode().rstrip("=")
        inner = coded[-(-bits // 6) : (bits + 8 * len(content)) // 6]
        parts |= {inner, inner.replace("+", "-").replace("/", "_")}
    return parts
