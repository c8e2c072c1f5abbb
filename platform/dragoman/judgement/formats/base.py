"""What all formats of judgements share: reading lines with their numbers, ratings with their place, severities."""

import math
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from dragoman.judgement.base import JudgementError
from dragoman.judgement.texts import Judged
from dragoman.line import MARK
from dragoman.rating import Rating, Severity, Side, Span
from dragoman.reading import parse_json_line, read_bytes, refused_as

UNDECIDED = "undecided"
"""What files say of an error without a severity."""


class Found(NamedTuple):
    """A judgement as it stands in a file."""

    place: str
    """Where, for errors."""
    judged: Judged
    """The translation."""
    rating: Rating
    """What was said of it."""
    campaign: str | None
    """Id of the campaign it is of."""


class LeftOut(Counter[str]):
    """How many entries of a file are no judgements, by what they are."""


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file with their numbers from 1, without their ends; empty ones are left out.

    Raises:
        JudgementError: it is not there, too large, or not in UTF-8; the sentence names the line.
    """
    try:
        with refused_as(JudgementError):
            data = read_bytes(path)
    except OSError as error:
        raise JudgementError(f"{path} can't be read ({error.strerror}): give a file of judgements.") from error
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            text = line.removesuffix(b"\r").decode()
        except UnicodeDecodeError as error:
            raise JudgementError(f"{path}, line {number}, is not UTF-8: convert the file.") from error
        if "\0" in text:
            raise JudgementError(
                f"{path}, line {number}, holds the character U+0000, as text in UTF-16 does: convert the file to UTF-8."
            )
        if text := text.removeprefix(MARK) if number == 1 else text:
            yield number, text


def json_at(text: str, place: str) -> Any:
    """What a text of JSON says.

    Raises:
        JudgementError: it is none.
    """
    with refused_as(JudgementError):
        try:
            return parse_json_line(text, lambda: place)
        except ValueError as error:
            raise JudgementError(f"{place} is no JSON ({error}): export the judgements again.") from error


def of_type(kind: type[Any], value: Any, place: str, what: str) -> Any:
    """A value that has to be of a type.

    Raises:
        JudgementError: it is not.
    """
    if not isinstance(value, kind) or isinstance(value, bool):
        raise JudgementError(f"{place}: {what} is {value!r:.60}, which it can't be; correct it.")
    return value


def rating_at(place: str, **fields: Any) -> Rating:
    """A rating.

    Raises:
        JudgementError: it is none, such as with a score that is out of range.
    """
    try:
        return Rating(**fields)
    except ValidationError as error:
        raise _refused(place, error, fields) from error


def span_at(place: str, text: str, **fields: Any) -> Span:
    """An error marked in a text.

    Args:
        place: where it stands in the file.
        text: the text that it is marked in.
        fields: what is said of it.

    Raises:
        JudgementError: it is none, or goes beyond the text.
    """
    try:
        span = Span(**fields)
    except ValidationError as error:
        raise _refused(place, error, fields) from error
    if span.end is not None and span.end > len(text):
        raise beyond(place, text, span.side, span.start, span.end - 1)
    return span


def beyond(place: str, text: str, side: Side, first: Any, last: Any) -> JudgementError:
    """The error of a span that is not in its text."""
    return JudgementError(
        f"{place}: an error is marked from character {first} to {last} of a {side} text of {len(text)}: it is of "
        "another text; correct it."
    )


def severity_at(place: str, word: Any) -> Severity | None:
    """The severity that a word means, in any case; None for what is undecided.

    Raises:
        JudgementError: it means none.
    """
    if word is None or (isinstance(word, str) and word.casefold() in ("", UNDECIDED)):
        return None
    try:
        return Severity(str(word).casefold())
    except ValueError:
        known = ", ".join(Severity)
        raise JudgementError(f"{place}: '{word:.40}' is no severity; use one of: {known}.") from None


def number_at(place: str, what: str, value: Any) -> float | None:
    """A number, also one that is written as text; None where there is none.

    Raises:
        JudgementError: it is something else.
    """
    if value is None or value == "":
        return None
    try:
        if isinstance(value, bool):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise JudgementError(f"{place}: {what} is {value!r:.60}, which is no number; correct it.") from None
    if not math.isfinite(number):
        raise JudgementError(f"{place}: {what} is {number}, which is no number; correct it.")
    return number


def moment_of(place: str, seconds: float | None) -> datetime | None:
    """A moment by the seconds since 1970, None for none.

    Raises:
        JudgementError: there is no such moment.
    """
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise JudgementError(f"{place}: {seconds} is no time in seconds since 1970; correct it.") from None


def moment_at(place: str, text: Any) -> datetime | None:
    """A moment as ISO 8601 has it, None for none.

    Raises:
        JudgementError: it is none.
    """
    if text is None:
        return None
    try:
        return datetime.fromisoformat(of_type(str, text, place, "the time"))
    except ValueError:
        raise JudgementError(f"{place}: '{text:.40}' is no time; write 2026-01-31T12:00:00+00:00.") from None


def _refused(place: str, error: ValidationError, fields: dict[str, Any]) -> JudgementError:
    first = error.errors()[0]
    key = ".".join(map(str, first["loc"]))
    said = f"{key} is {first['input']!r:.60}: " if key and key in fields else ""
    why = first["msg"].removeprefix("Value error, ")
    return JudgementError(f"{place}: {said}{why[:1].lower()}{why[1:]}; correct it.")
