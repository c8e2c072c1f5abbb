"""Redaction of secrets before anything is shown, logged or recorded."""

import re

MASK = "***"
"""Replacement of a secret."""

_IN_URL = re.compile(r"(?P<before>[a-z][a-z0-9+.-]*://[^\s:/@'\"]*:)[^\s/'\"]+(?=@)", re.IGNORECASE)
_SPECIAL = r"(?:bos|eos|unk|pad|cls|sep|mask|image|lang|language|prompt|completion|start|end|stop|special)_"
_NAMED = re.compile(
    # names that only begin like a secret's, and the tokens of tokenizers, are not masked
    rf"(?P<before>(?<![\w-])(?!(?:[\w-]*_)?{_SPECIAL}token)"
    r"[\w-]*(?:password(?!less)|passwd|secret(?!ar|iv|ion)|token(?!s|i[sz]|ed|[_-](?:type|id|count|length)s?)"
    r"|api[_-]?key|access[_-]?key)[\w-]*[\"']?\s*[=:]\s*)"
    r"(?:\"[^\"]*\"|'[^']*'|(?!(?:bearer|basic)\b)[^\s&\"',;}]+)",
    re.IGNORECASE,
)
_AUTHORIZATION = re.compile(
    # what follows `basic` is Base64, which has more than small letters
    r"(?P<before>\b(?:bearer\s+|basic\s+(?=[\w+/=-]*(?-i:[A-Z0-9+/=]))))[\w.~+/=-]{8,}",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """A text without the secrets in it: passwords in URLs, values behind names like `password=`, bearer tokens."""
    for pattern in (_IN_URL, _AUTHORIZATION, _NAMED):
        text = pattern.sub(rf"\g<before>{MASK}", text)
    return text
