"""Values behind names that say secret: `password=`, `api_key:`, `"token":`, in text, JSON, YAML, INI and `repr`."""

import re

from dragoman.redaction.shape import Shape
from dragoman.redaction.values import NOTHING, VALUE, is_placeholder, is_plain, is_random

SEPARATOR = r"""\\*["'`]?\]?\s*(?:=>|->|:=|==?|:|%3[AaDd])\s*"""
"""What stands between a name, perhaps in quotes, and its value."""

_SECRETS = {
    kind: re.compile(rf"(?:(?<![A-Za-z])(?:{'|'.join(names.split())})|api|access|secret|auth)[ _-]?$", re.IGNORECASE)
    for kind, names in {
        "key": """api access secret private signing signature encryption crypto auth account shared service subscription
            license master ssh deploy storage session consumer application app client webhook hmac jwt cookie flask
            django fernet rsa integration admin project openai anthropic wandb aws azure gcp""",
        "token": """access auth authentication authorization api refresh session bearer hf hub huggingface hugging_face
            github gitlab slack bot id csrf xsrf security service deploy personal private user admin root npm pypi vault
            registry wandb ray mlflow identity oauth jwt""",
        "pass": "db smtp mail user root admin sudo http ftp proxy mysql pg redis key store",
    }.items()
}
"""What stands before `key`, `token` and `pass` in the names of secrets; alone these words mean other things too."""

_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_NEVER = re.compile(r"(?!)")

_TOKENIZERS = re.compile(
    r"""(?:bos|eos|unk|pad|cls|sep|mask|image|lang|language|prompt|completion|start|end|stop|special|source|target|src|tgt
    |first|last|next|new|max|min|num|per|extra|additional|sub)[_-]$""",
    re.IGNORECASE | re.VERBOSE,
)
"""What stands before `token` in the names of a tokenizer's special tokens."""

_NOT_KEYS = re.compile(r"(?:sort|cache|primary|foreign|cell)\ $|[A-Za-z0-9]$", re.IGNORECASE)
"""What stands before a `key` that is none."""

_OF_ANOTHER = r"""(?![\w-]{0,40}?(?:file|path|dir|folder|url|uri|name|type|ids?|count|length|len|policy|env|variable
    |mode|field
    |expiry|expires(?:_?(?:in|at))?|ttl|set|required|min|max|reset|prompt|hint|age|index|position|level|per|rate
    |limit|budget|scopes?|format|version|status|manager|provider|probability|embeddings?|accuracy)(?![A-Za-z]))"""

NAME = rf"""(?=[pscktjax])(?P<name>
    passw(?:or)?d(?!s|less) | passphrase | passcode | passwort | (?<![a-zA-Z])pwd | secret(?!s|ar|iv|ion) | credentials?
    | access_?key_?id | client-key-data | x-amz-(?:signature|credential) | x-goog-(?:signature|credential)
    | j?sessionid | phpsessid | connect\.sid
    | token(?!s|i[sz]|ed) | key(?![a-z]) | pass(?![a-z]) | (?<![a-zA-Z0-9])auth(?![\w-])
){_OF_ANOTHER}(?P<suffix>[\w-]{{0,40}})"""
"""The end of a name that may be a secret's, but not of one that is something else's, such as `password_policy` or
`token_type_ids`."""

NEEDS = ("pass", "pwd", "secret", "credential", "key", "token", "x-amz", "x-goog", "sess", ".sid", "auth")
"""Words of which each such name has one."""


def is_secret(match: re.Match[str]) -> bool:
    """Whether a name and its value are a secret's."""
    name, value, before = match["name"], match["secret"], _before(match)
    kind = name.casefold()
    if kind in ("token", "key", "pass", "auth") and not _SECRETS.get(kind, _NEVER).search(before):
        return _is_uncertain_secret(match, before)
    separator = match.groupdict().get("separator", ":")
    if name == "PWD" and value.startswith(("/", "~")):  # the current folder
        return False
    if value[0] in "\"'" and len(value) > 2:
        return not is_placeholder(value)
    if separator == "=":
        return not is_placeholder(value) and value.casefold() not in NOTHING
    if kind in ("token", "key") and _goes_on(match):
        return False
    is_name = not match["suffix"] and before[-1:] not in ("_", "-", ".")
    if is_name and re.fullmatch(r"secret|credentials?", kind) and "=" not in separator:
        return is_random(value, 6, 20)
    return not is_plain(value)


def _goes_on(match: re.Match[str]) -> bool:
    """Whether a sentence goes on behind a colon: a word of small letters, and another."""
    is_word = re.fullmatch(r"[a-z]+", match["secret"]) is not None
    return is_word and re.match(r"[ ]+[a-z`]", match.string[match.end("secret") :]) is not None


def is_of_tokenizer(match: re.Match[str]) -> bool:
    """Whether a name is that of a tokenizer's token, such as `pad_token`."""
    return _TOKENIZERS.search(_before(match)) is not None


def _before(match: re.Match[str]) -> str:
    """The end of what stands before a name: the beginning of it, if anything."""
    start = match.start("name")
    return match.string[max(start - 32, 0) : start]


def _is_uncertain_secret(match: re.Match[str], before: str) -> bool:
    """Whether the value behind such a word looks like a secret: `=` binds closer than a colon."""
    name, value, separator = match["name"], match["secret"], match.groupdict().get("separator", " ")
    if is_plain(value) or _VARIABLE.fullmatch(value.strip("`\"'")):
        return False
    binds = "=" in separator or "%" in separator
    match name.casefold():
        case "pass":
            is_number = re.fullmatch(r"[\d./%,]+", value.strip("\"'")) is not None
            is_word = before[-1:].isalnum() or match["suffix"] or before.endswith("_")
            return not is_word and ((separator == "=" and not is_number) or is_random(value, 6, 20))
        case "key":
            asked = before.endswith(("?", "&"))
            is_hash = re.fullmatch(r"[0-9a-f-]+", value.strip("\"'")) is not None and not asked
            return (
                _NOT_KEYS.search(before) is None
                and is_random(value, 8 if asked else 12, 1000)
                and not is_hash
                and not re.search(r"[./]", value[:16])
            )
        case "token" if is_of_tokenizer(match):
            return False
    if name == "TOKEN":  # of a variable of the environment
        return binds or is_random(value, 1, 4)
    return is_random(value, 6, 12) if binds else is_random(value, 10, 20)


def _is_line(match: re.Match[str]) -> bool:
    return is_secret(match) and not is_plain(match["secret"].split()[0])


NAMED_VALUES = (
    # of ODBC and ADO, between semicolons
    Shape(
        r"""(?<=;)\s*(?P<name>pwd|password|accountkey|sharedaccesskey)(?P<suffix>)\s*(?P<separator>=)\s*
            (?P<secret>\{(?:[^}\n]|\}\})*\}|[^;\n"']+)""",
        ";",
        check=is_secret,
        flags=re.IGNORECASE,
    ),
    # whole lines of YAML, INI and .env files, and blocks of YAML
    Shape(
        rf"""^[ \t]*(?:[-\#>|]+[ \t]+)?(?:export[ \t]+|set[ \t]+|ENV[ \t]+)?["']?[\w.-]{{0,40}}?
            {NAME}["']?(?:[ \t]*:[ \t]+(?:!+\w*[ \t]+)?|[ \t]+=[ \t]+)
            (?P<secret>(?!["'{{\[|>&*!])[^\n\#]{{1,1000}}?)(?=\s+\#|\s*$)""",
        *NEEDS,
        check=_is_line,
        flags=re.IGNORECASE,
    ),
    Shape(
        rf"""^(?P<indent>[ \t]*)(?:-[ \t]+)?["']?[\w.-]{{0,40}}?{NAME}["']?[ \t]*:[ \t]*[|>][+-]?\d?[ \t]*\n
            (?P<secret>(?:(?P=indent)[ \t]+\S[^\n]*(?:\n|\Z))+)""",
        *("|\n", "|-", "|+", ">\n", ">-", ">+"),
        flags=re.IGNORECASE,
    ),
    Shape(
        rf"{NAME}(?:\s+(?:provided|is|was))?(?P<separator>{SEPARATOR}){VALUE}",
        *NEEDS,
        check=is_secret,
        flags=re.IGNORECASE,
    ),
)
"""Shapes of them."""
