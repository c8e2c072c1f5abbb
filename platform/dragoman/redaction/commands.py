"""Secrets in command lines, in files with a form of their own, in code, and in sentences."""

import re

from dragoman.redaction.named_values import NAME, NEEDS, is_of_tokenizer, is_secret
from dragoman.redaction.shape import Shape
from dragoman.redaction.values import BARE, QUOTED, is_plain


def _is_not_port(match: re.Match[str]) -> bool:
    return re.fullmatch(r"\d{1,5}(?::\d+)?", match["secret"]) is None


def _is_option(match: re.Match[str]) -> bool:
    """Whether an option's value is a secret: `--token` takes one, what is `--src-token` a tokenizer's."""
    if match["name"].casefold() in ("token", "pass"):
        return not is_of_tokenizer(match) and not is_plain(match["secret"]) and _is_not_port(match)
    return is_secret(match)


def _is_mixed(match: re.Match[str]) -> bool:
    return re.search(r"[A-Za-z].*\d|\d.*[A-Za-z]", match["secret"]) is not None and "=" not in match["secret"]


COMMANDS = (
    # options, in a line or a list of arguments
    Shape(
        rf"""(?<![\w-])--?[\w-]{{0,40}}?{NAME}(?:\s+|["'],?\s*)(?P<secret>(?!-){QUOTED}|(?!-){BARE})""",
        "-",
        check=_is_option,
        flags=re.IGNORECASE,
    ),
    Shape(
        rf"""(?<=["'])--?[\w-]{{0,40}}?{NAME}=(?P<secret>[^"'\n]+)(?=["'])""",
        "-",
        check=_is_option,
        flags=re.IGNORECASE,
    ),
    Shape(
        rf"""\b(?:sshpass|(?:docker|podman|helm\ registry|oras|skopeo)\ login|mysql\w*|mariadb[\w-]*|mongo\w*
            |redis-cli)\b[^\n|;]{{0,200}}?\s-[pa]\s*(?P<secret>{QUOTED}|[^\s-]\S*)""",
        *("sshpass", " login", "mysql", "mariadb", "mongo", "redis-cli"),
        check=_is_not_port,
    ),
    Shape(r"(?<!mkdir)(?<!compose)(?<!install)\ -p\s+(?P<secret>[^\s/:.-][^\s/:.]{5,})", " -p", check=_is_mixed),
    Shape(
        r"""\bcurl\b[^\n|;]{0,200}?\s(?:-u|--user|-U|--proxy-user)[\s=]*["']?[^\s:"']+:(?P<secret>[^\s"']+)""",
        "curl",
    ),
    Shape(r"(?:jdbc:oracle:\w+:|sqlplus\s+)\w+/(?P<secret>\S+)@", "jdbc:oracle", "sqlplus"),
    # .netrc, .pgpass, SQL, XML
    Shape(r"\b(?:login|user)\s+\S+\s+(?:account\s+\S+\s+)?password\s+(?P<secret>\S+)", "password"),
    Shape(r"^[\w.*-]+:(?:\d{4,5}|\*):[^:\s]+:[^:\s]+:(?P<secret>\S+)$", ":"),
    Shape(
        r"\b(?:(?i:identified\s+(?:with\s+\w+\s+)?by)|PASSWORD)\s+(?P<secret>'(?:''|[^'\n])+')",
        "identified",
        "password",
    ),
    Shape(
        r"<(?P<name>\w*(?:password|passwd|secret\w*|token|apikey|accesskey\w*))(?P<suffix>)>(?P<secret>[^<\s][^<]*)</",
        "</",
        check=is_secret,
        flags=re.IGNORECASE,
    ),
    # Python: pairs of a name and a value, of a user and a password
    Shape(
        rf"""\(\s*b?["'][\w.-]{{0,40}}?{NAME}["'],\s*(?P<secret>{QUOTED})\s*\)""",
        *NEEDS,
        check=is_secret,
        flags=re.IGNORECASE,
    ),
    Shape(
        rf"\b(?:auth\s*=\s*\(|BasicAuth\()\s*(?:username=)?{QUOTED},\s*(?:password=)?(?P<secret>{QUOTED})",
        "auth",
    ),
    Shape(rf"\bSecret(?:Str|Bytes)?\((?P<secret>{QUOTED})\)", "secret"),
    # sentences
    Shape(
        r"""\b(?:password|passphrase|passwd|secret|token|(?:api|signing|access|secret|private)\ key)\s+
            (?:is\s+|was\s+)?["'`]?(?P<secret>[^\s"'`]{6,})""",
        *("pass", "secret", "token", " key"),
        check=_is_mixed,
        flags=re.IGNORECASE,
    ),
)
"""Shapes of them."""
