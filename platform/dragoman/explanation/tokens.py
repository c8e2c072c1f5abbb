"""Fertility and parity of a base's tokenizer on the test lines: how many tokens a language takes.

Fertility is tokens per word; parity(L) = tokens(L) / tokens(English) of the same sentences (Petrov et al., 2023,
"Language Model Tokenizers Introduce Unfairness Between Languages", arXiv 2305.15425).
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dragoman.errors import DragomanError, first_line
from dragoman.explanation.language_lines import LanguageLines
from dragoman.reading import read_text

TOKENIZER = "tokenizer.json"

Tokens = Callable[[str], int]
"""Counts the tokens of a text."""


class TokenizerError(DragomanError):
    """A tokenizer that is not to be had here."""


class TokenCounts(NamedTuple):
    """What a tokenizer makes of the test lines of each language."""

    fertility: dict[str, float]
    """Tokens per word; not of languages written without spaces."""
    parity: dict[str, float]
    """Tokens per token of the other language, in the same sentences; 1 for that language itself."""
    lines: int
    """The most lines that a language was counted on."""


def tokenizer_of(base: Mapping[str, Any], recorded: Mapping[str, Any], named: Path | None = None) -> Tokens:
    """The tokenizer of a grid's base: of the folder or file named, of the base's folder, or of the hub's local cache.

    Nothing is downloaded.

    Args:
        base: the spec's part about the base.
        recorded: what the base's identity was made from.
        named: a `tokenizer.json`, or a folder with one.

    Raises:
        TokenizerError: there is none here, or what reads it is not installed.
    """
    path = _file(named) if named is not None else _of_base(base, recorded)
    try:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_str(read_text(path))
    except ModuleNotFoundError as error:
        raise TokenizerError("reading a tokenizer needs `pip install 'dragoman[jobs]'`") from error
    except Exception as error:  # the library raises bare exceptions
        raise TokenizerError(f"{path} is no tokenizer that can be read ({first_line(error)})") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def token_counts(lines: Mapping[str, LanguageLines], count: Tokens, *, to: str) -> TokenCounts:
    """Count the tokens of the test lines of some languages, each once.

    Args:
        lines: the lines of each language.
        count: the tokenizer.
        to: the language that parity is relative to.
    """
    fertility, parity = {}, {}
    for language, own in lines.items():
        tokens = _sum(count, own.lines)
        if words := sum(map(len, own.words)):
            fertility[language] = tokens / words
        if language == to:
            parity[language] = 1.0
        elif others := _sum(count, own.beside):
            parity[language] = tokens / others
    return TokenCounts(fertility, parity, max((len(own.lines) for own in lines.values()), default=0))


def _sum(count: Tokens, lines: Iterable[str]) -> int:
    return sum(map(count, lines))


def _of_base(base: Mapping[str, Any], recorded: Mapping[str, Any]) -> Path:
    names = [str(part["model"]) for part in (base, recorded) if part.get("model")]
    for name in names:
        if (Path(name) / TOKENIZER).is_file():
            return Path(name) / TOKENIZER
    for name in names:
        if (cached := _cached(name, base.get("revision") or recorded.get("revision"))) is not None:
            return cached
    if not names:
        raise TokenizerError("the store does not say which model the base is")
    raise TokenizerError(f"there is no {TOKENIZER} of the base {names[0]} on this machine")


def _cached(name: str, revision: str | None) -> Path | None:
    """The tokenizer of a model on the hub, where it was downloaded before."""
    try:
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(name, TOKENIZER, revision=revision)
    except (ModuleNotFoundError, ValueError):  # no name of a repository
        return None
    return Path(found) if isinstance(found, str) else None


def _file(named: Path) -> Path:
    path = named / TOKENIZER if named.is_dir() else named
    if not path.is_file():
        raise TokenizerError(f"there is no {path}: name a {TOKENIZER}, or a folder with one")
    return path
