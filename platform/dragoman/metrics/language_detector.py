"""Detection of off-target text, by its scripts and by a language identifier."""

from collections.abc import Collection, Mapping
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING

from dragoman.metrics.base import MetricError
from dragoman.metrics.detectors.base import identifier
from dragoman.pair import Pair
from dragoman.script import unicode_scripts

if TYPE_CHECKING:
    import regex

DEFAULT = "py3langid"
"""The language identifier that is asked unless another one is named."""

THRESHOLD = 0.9
"""Probability of other languages from which a text is off-target.

Measured on the embedded corpus (dev, the 13 core languages) between languages that share a script: of its phrases,
24 characters on average, 2.8% of those in the right language reach it (at worst English, 5.9%) and 75% of
those in a wrong one. Of four phrases in a row, about a sentence, it is none and 93%.
"""

RULE = 1
"""Raised when a text can be judged otherwise under the same detector, candidates and threshold."""


class Verdict(Enum):
    """Verdict on the language of one text."""

    ON_TARGET = "on_target"
    """The target language is the most probable one."""
    OTHER_SCRIPT = "other_script"
    """Off-target: the text has letters, but none of a script of the target language."""
    OTHER_LANGUAGE = "other_language"
    """Off-target: other languages of the same script are far more probable."""
    UNDECIDED = "undecided"
    """It has no letters, or other languages are more probable but not surely."""

    @property
    def is_off_target(self) -> bool:
        """Whether the text is in another language than the target."""
        return self in (Verdict.OTHER_SCRIPT, Verdict.OTHER_LANGUAGE)


class Detector:
    """Detects whether texts are in the target language of a pair.

    Scripts decide first: without a letter in a script of the target language a text is off-target; without a
    letter of a script that another candidate is written in, it is on-target. Only between languages that share a
    script is the language identifier asked, restricted to them.

    Args:
        pair: the direction translated.
        languages: the languages of the grid. Those that the identifier knows, and the pair's own, are the candidates.
        by: name of the language identifier.

    Raises:
        MetricError: the identifier is not installed, or can't tell the target language from another one of the grid.
    """

    def __init__(self, pair: Pair, languages: Collection[str], *, by: str = DEFAULT) -> None:
        self._pair = pair
        self._identifier = identifier(by)
        self._codes = {tag: code for tag in sorted({*languages, *pair}) if (code := self._identifier.code(tag))}
        if doubt := self._doubt():
            raise MetricError(f"off_target can't score {pair}: {doubt}.")
        self._grid_scripts = frozenset[str]().union(*map(unicode_scripts, self._codes))

    @property
    def candidates(self) -> tuple[str, ...]:
        """The languages that a text can be found to be in, sorted."""
        return tuple(self._codes)

    def _doubt(self) -> str | None:
        source, target = self._pair
        name = self._identifier.name
        if target not in self._codes:
            return f"{name} doesn't know {target}"
        if source not in self._codes and unicode_scripts(source) & unicode_scripts(target):
            return f"{name} doesn't know {source}, so text left untranslated could pass for {target}"
        for tag, code in self._codes.items():
            if tag != target and code == self._codes[target] and unicode_scripts(tag) & unicode_scripts(target):
                return f"{name} can't tell {target} from {tag}, which is in the grid too"
        return None

    @property
    def signature(self) -> str:
        """The detector's version, the candidates, the threshold and the version of the rule."""
        return (
            f"detector:{self._identifier.version}|candidates:{','.join(self._codes)}|threshold:{THRESHOLD}|rule:{RULE}"
        )

    def judge(self, text: str) -> Verdict:
        """The verdict on one text."""
        found = {script for script in self._grid_scripts if _letter_of(script).search(text)}
        if not found and not _letter_of(None).search(text):
            return Verdict.UNDECIDED
        if not found & unicode_scripts(self._pair.target):
            return Verdict.OTHER_SCRIPT
        target = self._codes[self._pair.target]
        codes = {code for tag, code in self._codes.items() if found & unicode_scripts(tag)}
        if codes == {target}:
            return Verdict.ON_TARGET
        chances = self._chances(text)
        wrong = 1 - chances[target] / sum(chances[code] for code in codes)
        if wrong >= THRESHOLD:
            return Verdict.OTHER_LANGUAGE
        return Verdict.UNDECIDED if wrong > 1 / 2 else Verdict.ON_TARGET

    def guess(self, text: str) -> str | None:
        """The candidate that a text is most probably in; None where it has no letters of a script of theirs."""
        found = {script for script in self._grid_scripts if _letter_of(script).search(text)}
        held = {tag: code for tag, code in self._codes.items() if found & unicode_scripts(tag)}
        if len(set(held.values())) <= 1:
            return next(iter(held), None)
        chances = self._chances(text)
        return max(held, key=lambda tag: chances[held[tag]])

    def is_rather_source(self, text: str) -> bool:
        """Whether the source language is more probable than the target language, be it ever so little."""
        source, target = (self._codes.get(tag) for tag in self._pair)
        chances = self._chances(text)
        return source is not None and target is not None and chances[source] > chances[target]

    def _chances(self, text: str) -> Mapping[str, float]:
        """The probability of each candidate, by the detector's code."""
        return self._identifier.chances(self._codes.values(), text)


@lru_cache(maxsize=256)
def _letter_of(script: str | None) -> "regex.Pattern[str]":
    """A pattern that finds a letter of a script, or of any."""
    import regex

    return regex.compile(rf"(?V1)[\p{{L}}&&\p{{Script={script}}}]" if script else r"\p{L}")
