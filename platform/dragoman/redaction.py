"""Secrets are masked before anything is shown, logged or recorded."""

import re

MASK = "***"
"""What stands in a secret's place."""

_IN_URL = re.compile(r"(?P<before>[a-z][a-z0-9+.-]*://[^\s:/@'\"]*:)[^\s/'\"]+(?=@)", re.IGNORECASE)
_NAMED = re.compile(
    r"(?P<before>[\w-]*(?:password|passwd|secret|token(?!s)|api[_-]?key|access[_-]?key)[\w-]*[\"']?\s*[=:]\s*)"
    r"(?:\"[^\"]*\"|'[^']*'|(?!(?:bearer|basic)\b)[^\s&\"',;}]+)",
    re.IGNORECASE,
)
_AUTHORIZATION = re.compile(r"(?P<before>\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}", re.IGNORECASE)


def masked(text: str) -> str:
    """A text without the secrets in it: passwords in URLs, values behind names like `password=`, bearer tokens."""
    for pattern in (_IN_URL, _AUTHORIZATION, _NAMED):
        text = pattern.sub(rf"\g<before>{MASK}", text)
    return text
