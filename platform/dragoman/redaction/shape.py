"""The shape of a secret: a pattern, a check of what it finds, and the masking of it."""

import re
from collections.abc import Callable
from functools import cached_property

MASK = "***"
"""Replacement of a secret."""


class Shape:
    """What a kind of secret looks like."""

    def __init__(
        self, pattern: str, *needs: str, check: Callable[[re.Match[str]], bool] | None = None, flags: int = 0
    ) -> None:
        """Keep the pattern, which is compiled when a text has one of the words.

        Args:
            pattern: a verbose regular expression whose group `secret` is what to mask; `^` and `$` are those of lines.
            needs: in small letters, words of which a text must have one to be searched at all: most texts have none.
            check: whether what was found is a secret.
            flags: such as `re.IGNORECASE`.
        """
        self.needs = needs
        self._source, self._flags = pattern, flags | re.VERBOSE | re.MULTILINE
        self._check = check

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(self._source, self._flags)

    def mask(self, text: str) -> str:
        """A text in which every such secret is masked."""
        return self._pattern.sub(self._masked, text)

    def _masked(self, match: re.Match[str]) -> str:
        whole, secret = match[0], match["secret"]
        if not secret or _MASKED.match(secret):
            return whole
        start = match.start("secret") - match.start()
        if self._check and not self._check(match):  # but in the value there may be one
            inside = secret if len(secret) == len(whole) else self.mask(secret)
            return whole[:start] + inside + whole[start + len(secret) :]
        # quotes stay: what was JSON is JSON
        quoted = _QUOTES.fullmatch(secret)
        shown = quoted["open"] + MASK + quoted["close"] if quoted else MASK
        return whole[:start] + shown + whole[start + len(secret) :]


_MASKED = re.compile(r"(?:\w?\\*[\"'])?\*\*\*(?!\w)")
_QUOTES = re.compile(r"(?P<open>\w{0,2}(?P<close>\\*[\"'])).*(?P=close)", re.DOTALL)
