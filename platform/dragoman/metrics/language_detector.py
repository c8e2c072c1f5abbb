"""Detection of off-target text, by its scripts and by py3langid."""

from collections.abc import Collection
from copy import copy
from enum import Enum
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING

import langcodes

from dragoman.metrics.base import MetricError, MetricNeedError
from dragoman.pair import Pair
from dragoman.script import likely_script

if TYPE_CHECKING:
    import regex
    from py3langid.langid import LanguageIdentifier  # type: ignore[import-untyped]

THRESHOLD = 0.9
"""Probability of other languages from which a text is off-target.

Measured on the embedded corpus (dev, the 13 core languages) between languages that share a script: of its phrases,
24 characters on average, 2.8% of those in the right language reach it (at worst English, 5.9%) and 75% of
those in a wrong one. Of four phrases in a row, about a sentence, it is none and 93%.
"""

RULE = 1
"""Raised when a text can be judged otherwise under the same detector, candidates and threshold."""

_UNICODE_SCRIPTS = {
    "Hans": ("Hani",),
    "Hant": ("Hani",),
    "Hanb": ("Hani", "Bopo"),
    "Jpan": ("Hani", "Hira", "Kana"),
    "Kore": ("Hang", "Hani"),
    "Aran": ("Arab",),
}
"""The codes of ISO 15924 that stand for variants or mixtures, in the scripts Unicode gives to characters."""


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
    script is py3langid asked, restricted to them.

    Args:
        pair: the direction translated.
        languages: the languages of the grid. Those that py3langid knows, and the pair's own, are the candidates.

    Raises:
        MetricError: py3langid is not installed, or can't tell the target language from another one of the grid.
    """

    def __init__(self, pair: Pair, languages: Collection[str]) -> None:
        self._pair = pair
        self._codes = {tag: code for tag in sorted({*languages, *pair}) if (code := _detector_code(tag))}
        if doubt := self._doubt():
            raise MetricError(f"off_target can't score {pair}: {doubt}.")
        self._grid_scripts = frozenset[str]().union(*map(_scripts, self._codes))
        _identifier(frozenset(self._codes.values()))  # raises where it is not installed

    def _doubt(self) -> str | None:
        source, target = self._pair
        if target not in self._codes:
            return f"py3langid doesn't know {target}"
        if source not in self._codes and _scripts(source) & _scripts(target):
            return f"py3langid doesn't know {source}, so text left untranslated could pass for {target}"
        for tag, code in self._codes.items():
            if tag != target and code == self._codes[target] and _scripts(tag) & _scripts(target):
                return f"py3langid can't tell {target} from {tag}, which is in the grid too"
        return None

    @property
    def signature(self) -> str:
        """The detector's version, the candidates, the threshold and the version of the rule."""
        library = f"py3langid-{version('py3langid')}"
        return f"detector:{library}|candidates:{','.join(self._codes)}|threshold:{THRESHOLD}|rule:{RULE}"

    def judge(self, text: str) -> Verdict:
        """The verdict on one text."""
        found = {script for script in self._grid_scripts if _letter_of(script).search(text)}
        if not found and not _letter_of(None).search(text):
            return Verdict.UNDECIDED
        if not found & _scripts(self._pair.target):
            return Verdict.OTHER_SCRIPT
        target = self._codes[self._pair.target]
        codes = {code for tag, code in self._codes.items() if found & _scripts(tag)}
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
        held = {tag: code for tag, code in self._codes.items() if found & _scripts(tag)}
        if len(set(held.values())) <= 1:
            return next(iter(held), None)
        chances = self._chances(text)
        return max(held, key=lambda tag: chances[held[tag]])

    def is_rather_source(self, text: str) -> bool:
        """Whether the source language is more probable than the target language, be it ever so little."""
        source, target = (self._codes.get(tag) for tag in self._pair)
        chances = self._chances(text)
        return source is not None and target is not None and chances[source] > chances[target]

    def _chances(self, text: str) -> dict[str, float]:
        """The probability of each candidate, by the detector's code."""
        return _chances(frozenset(self._codes.values()), text)


@lru_cache(maxsize=4)
def _identifier(codes: frozenset[str] | None) -> "LanguageIdentifier":
    """The detector, restricted to some of its codes."""
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError as error:
        raise MetricNeedError(f"off_target needs py3langid ({error}): pip install py3langid regex.") from error
    if codes is None:
        return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier = copy(_identifier(None))  # the model itself is shared
    identifier.set_languages(codes)
    return identifier


@lru_cache(maxsize=64)  # a text is often judged several times in a row: as a copy, or for other targets
def _chances(codes: frozenset[str], text: str) -> dict[str, float]:
    """The probability of each of some codes."""
    return dict(_identifier(codes).rank(text))


@lru_cache(maxsize=1024)
def _detector_code(tag: str) -> str | None:
    """The detector's code of a language, or of one that CLDR takes for the same (`no` for `nb`, `tl` for `fil`)."""
    language = langcodes.Language.get(tag).language or ""
    code, _ = langcodes.closest_match(language, _identifier(None).labels, max_distance=1)
    return None if code == "und" else code


@lru_cache(maxsize=1024)
def _scripts(tag: str) -> frozenset[str]:
    """The Unicode scripts a language is written in."""
    script = likely_script(tag)
    return frozenset(_UNICODE_SCRIPTS.get(script, (script,)))


@lru_cache(maxsize=256)
def _letter_of(script: str | None) -> "regex.Pattern[str]":
    """A pattern that finds a letter of a script, or of any."""
    import regex

    return regex.compile(rf"(?V1)[\p{{L}}&&\p{{Script={script}}}]" if script else r"\p{L}")
