"""Amounts of text in each language that a base model was pretrained on: of XGLM's bases known, of others told."""

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from dragoman.errors import DragomanError, nearest
from dragoman.language import LanguageError, canonical_tag
from dragoman.reading import read_json, read_text, refused_as

XGLM_SOURCE = "the model card of XGLM (https://huggingface.co/facebook/xglm-564M, Training Data Statistics)"
"""Where XGLM's amounts are from; those of the sizes 564M, 1.7B, 2.9B and 7.5B are the same."""

_XGLM = re.compile(r"xglm[-_](564m|1\.7b|2\.9b|7\.5b)(?![\w.])", re.IGNORECASE)
"""Names of XGLM's bases. XGLM-4.5B is none of them: it was pretrained on other text, in 134 languages."""

_COLUMNS = ("language", "tokens", "upsampled_share")


class PretrainingError(DragomanError):
    """Amounts of pretraining text that can't be read, or that nobody has told."""


@dataclass(frozen=True)
class Pretraining:
    """Amounts of pretraining text by language."""

    tokens: Mapping[str, float]
    """Tokens of each language."""
    upsampled: Mapping[str, float]
    """Share of each language in what was read, rare ones repeated; empty where that is not known."""
    source: str
    """Where they are from."""


def pretraining(base: Mapping[str, Any], recorded: Mapping[str, Any], file: Path | None = None) -> Pretraining | None:
    """The amounts of a grid's base: of a file, of the spec, or of XGLM, the first of these there is; else None.

    Args:
        base: the spec's part about the base.
        recorded: what the base's identity was made from.
        file: a CSV file with the columns language and tokens.

    Raises:
        PretrainingError: the file can't be read.
    """
    if file is not None:
        return read_amounts(file)
    if told := base.get("pretraining"):
        return Pretraining(dict(told), {}, "the spec (base.pretraining)")
    return xglm() if any(map(_XGLM.search, _names(base, recorded))) else None


def read_amounts(file: Path) -> Pretraining:
    """The amounts of a CSV file: a header with `language` and `tokens`, and `upsampled_share` where it is known.

    Raises:
        PretrainingError: it is not there, or a row is no language with an amount.
    """
    try:
        with refused_as(PretrainingError):
            text = read_text(file, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PretrainingError(
            f"The amounts of pretraining text can't be read from {file} ({error}): give a CSV file in UTF-8."
        ) from error
    return _parse(text, str(file), f"the file {file.name}")


@cache
def xglm() -> Pretraining:
    """The amounts of XGLM-564M, 1.7B, 2.9B and 7.5B."""
    place = files("dragoman") / "explanation" / "xglm_pretraining.csv"
    return _parse(place.read_text(encoding="utf-8"), place.name, XGLM_SOURCE)


def _parse(text: str, place: str, source: str) -> Pretraining:
    reader = csv.DictReader(io.StringIO(text))
    header = reader.fieldnames or ()
    if not {"language", "tokens"} <= set(header):
        raise PretrainingError(
            f"{place} has the columns {', '.join(header) or 'none'}: write a first line `language,tokens`, and a line "
            "such as `en,803526736124` for each language."
        )
    if unknown := [name for name in header if name not in _COLUMNS]:
        raise PretrainingError(f"{place} has a column '{unknown[0]}'; {nearest(str(unknown[0]), _COLUMNS)}")
    tokens: dict[str, float] = {}
    upsampled: dict[str, float] = {}
    try:
        for row in reader:
            at = f"{place}, line {reader.line_num}"
            tag = _tag(row["language"], at)
            if tag in tokens:
                raise PretrainingError(f"{at}: {tag} is there already; keep one line for each language.")
            tokens[tag] = _amount(row["tokens"], at)
            if row.get("upsampled_share"):
                upsampled[tag] = _amount(row["upsampled_share"], at)
    except csv.Error as error:
        raise PretrainingError(f"{place} is no CSV ({error}): write a line such as `en,803526736124`.") from error
    if not tokens:
        raise PretrainingError(f"{place} names no language: write a line such as `en,803526736124` for each.")
    return Pretraining(tokens, upsampled, source)


def _tag(text: str | None, at: str) -> str:
    try:
        return canonical_tag(text or "")
    except LanguageError as error:
        raise PretrainingError(f"{at}: {error}") from error


def _amount(text: str | None, at: str) -> float:
    try:
        amount = float(text or "")
    except ValueError:
        amount = math.nan
    if not 0 <= amount < math.inf:
        raise PretrainingError(f"{at}: '{text}' is no amount; write a number of at least 0, such as 803.5e9.")
    return amount


def _names(*parts: Mapping[str, Any]) -> Iterator[str]:
    """What a base is called: by the spec and the store, and by the configuration in its folder."""
    named: Sequence[str] = [str(part["model"]) for part in parts if part.get("model")]
    yield from named
    for name in named:
        config = Path(name) / "config.json"
        if config.is_file():
            try:
                content = read_json(config)
            except (DragomanError, OSError, ValueError):
                continue  # the model is there, and what it was made from is not told
            yield str(content.get("_name_or_path", "")) if isinstance(content, dict) else ""
