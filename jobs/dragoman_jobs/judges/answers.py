"""Answers of judges: how numbers, lists of errors and JSON are read from text."""

import re
from collections.abc import Sequence
from itertools import islice
from json import JSONDecoder
from math import isfinite
from typing import Any, NamedTuple

from dragoman.metrics.error_span import NOWHERE, ErrorSpan
from dragoman_jobs.judges.quotations import Quotations, unquoted

SEVERITIES = ("critical", "major", "minor")
"""Severities of errors, the worst first."""

WEIGHTS = {"critical": 25, "major": 5, "minor": 1}
"""What an error costs (`parse_mqm_answer` in `gemba/gemba_mqm_utils.py` of
https://github.com/MicrosoftTranslator/GEMBA)."""

MOST_ERRORS = 5
"""Errors that count, the worst first (likewise)."""

MOST_COST = 25
"""The most that a translation's errors cost together (likewise)."""

_HEADING = re.compile(r"[\s*#_]*(critical|major|minor)(?: errors?)?[\s*_]*:[\s*_]*(.*)", re.IGNORECASE)
_NO_ERROR = re.compile(r"no[- ]error", re.IGNORECASE)
_BULLET = re.compile(r"^(?:[-*•]|\d+[.)])\s+")
_PARTED = re.compile(r"\s+[-–—]\s+|\s*:\s+(?=[\"“„«「'`])")
_LONGEST_CATEGORY = 80
_MOST_BRACKETS = 100


class Marked(NamedTuple):
    """An error that a judge lists."""

    severity: str
    """Its severity."""
    category: str
    """Its category."""
    quoted: str
    """What is wrong, in the judge's words: of the translation, or of the source where it is left out."""


def read_number(text: str) -> int | None:
    """A whole number from 0 to 100; None where a text holds another, several, or none.

    As `validate_number` of `gemba/prompt.py` in https://github.com/MicrosoftTranslator/GEMBA: the only number in the
    text, or the first of `95/100`.
    """
    numbers = re.findall(r"\d+", text)
    if len(numbers) != 1 and re.fullmatch(r"[0-9]+/100", text) is None:
        return None
    return int(numbers[0]) if len(numbers[0]) <= len("100") and 0 <= int(numbers[0]) <= 100 else None


def read_errors(text: str) -> list[Marked] | None:
    """The errors listed under severities, the worst first; None where a text has neither a severity nor "no-error".

    As `parse_mqm_answer` of `gemba/gemba_mqm_utils.py` in https://github.com/MicrosoftTranslator/GEMBA: a line is an
    error of the severity above it, and one with "no-error" is none; what is no translation is critical. An answer
    without any severity, which is free of errors to that code, can't be read here.
    """
    found: dict[str, list[Marked]] = {severity: [] for severity in SEVERITIES}
    severity, is_readable = None, False
    for line in text.splitlines():
        stripped = line.strip()
        if (heading := _HEADING.fullmatch(stripped)) is not None:
            severity, is_readable = heading[1].lower(), True
            stripped = heading[2].strip()
        if not stripped or _NO_ERROR.search(stripped):
            is_readable = is_readable or bool(stripped)
        elif severity is not None:
            worst = "critical" if "non-translation" in stripped.lower() else severity
            found[worst].append(_marked(worst, stripped))
    return [error for severity in SEVERITIES for error in found[severity]] if is_readable else None


def mqm_score(errors: Sequence[Marked]) -> float:
    """GEMBA-MQM's score from 0 to 100: 100 - 4 × the cost of the worst five errors, which is 25 at most.

    The published score is minus that cost: (this - 100) / 4.
    """
    return 100.0 - 4 * min(MOST_COST, sum(WEIGHTS[error.severity] for error in errors[:MOST_ERRORS]))


def placed(errors: Sequence[Marked], source: str, hypothesis: str) -> tuple[ErrorSpan, ...]:
    """The errors at their places in the texts; what is quoted of neither is nowhere, and keeps its category."""
    texts = {False: Quotations(hypothesis), True: Quotations(source)}
    spans = []
    for error in errors:
        is_omission = "omission" in error.category.lower()
        place, on_source = None, False
        for on_source in (True,) if is_omission else (False, True):
            if error.quoted and (place := texts[on_source].place(error.quoted)) is not None:
                break
        start, end = place or (NOWHERE, NOWHERE)
        spans.append(ErrorSpan(start, end, error.severity, error.category, on_source and place is not None))
    return tuple(spans)


def read_json(text: str) -> Any:
    """The first JSON object or list in a text, as in a block of code or among other words; None where there is none."""
    for match in islice(re.finditer(r"[{\[]", text), _MOST_BRACKETS):
        try:
            return JSONDecoder().raw_decode(text, match.start())[0]
        except (ValueError, RecursionError):  # words in brackets, or numbers of thousands of digits
            continue
    return None


def at_path(value: Any, path: str) -> Any:
    """What stands at a path of names and places parted by dots; None where nothing does."""
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def number_of(value: Any) -> float | None:
    """A number, or a text that is one; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if isfinite(number) else None


def _marked(severity: str, line: str) -> Marked:
    category, *rest = _PARTED.split(_BULLET.sub("", line), maxsplit=1)
    return Marked(severity, category.strip().lower()[:_LONGEST_CATEGORY], unquoted(rest[0]) if rest else "")
