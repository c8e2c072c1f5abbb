"""Fertility and parity of a base's tokenizer on the test lines: how many tokens a language takes.

Fertility is tokens per word; parity(L) = tokens(L) / tokens(English) of the same sentences (Petrov et al., 2023,
"Language Model Tokenizers Introduce Unfairness Between Languages", arXiv 2305.15425).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import select

from dragoman.analysis.line_slice import reading
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice
from dragoman.errors import DragomanError, first_line
from dragoman.pair import Pair
from dragoman.reading import read_text
from dragoman.script import likely_script
from dragoman.store.repositories.conditions import is_text
from dragoman.store.schema import ConditionRow, GridPairRow, PairRow, TestRow
from dragoman.store.store import Store

TOKENIZER = "tokenizer.json"

_WITHOUT_SPACES = {
    "Hans", "Hant", "Hani", "Jpan", "Bopo", "Yiii", "Thai", "Laoo", "Khmr", "Mymr", "Lana", "Tale", "Talu", "Tavt",
    "Ahom", "Tibt",
}  # fmt: skip
"""Scripts that put no space between words: those of the line breaking classes ID and SA of UAX #14, and Tibetan."""

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


def token_counts(
    store: Store, question: ScoreQuestion, count: Tokens, *, languages: Sequence[str], to: str
) -> TokenCounts:
    """Count the tokens of the stored test lines of some languages, each once.

    Args:
        store: the store.
        question: what the test set is found by; its slice does not matter.
        count: the tokenizer.
        languages: the languages.
        to: the language that parity is relative to, which needs a pair with it.
    """
    texts = _texts(store, question)
    fertility, parity, most = {}, {}, 0
    for language in languages:
        beside = next((pair for pair in (Pair(language, to), Pair(to, language)) if pair in texts), None)
        pair = beside or next((pair for pair in sorted(texts) if language in pair), None)
        if pair is None or (address := texts[pair]) is None:
            continue
        own, other = store.blobs.test(address) if pair.source == language else store.blobs.test(address)[::-1]
        tokens = _sum(count, own)
        most = max(most, len(own))
        if likely_script(language) not in _WITHOUT_SPACES and (words := sum(len(line.split()) for line in own)):
            fertility[language] = tokens / words
        if language == to:
            parity[language] = 1.0
        elif beside is not None and (others := _sum(count, other)):
            parity[language] = tokens / others
    return TokenCounts(fertility, parity, most)


def _sum(count: Tokens, lines: Iterable[str]) -> int:
    return sum(map(count, lines))


def _texts(store: Store, question: ScoreQuestion) -> dict[Pair, str | None]:
    """The addresses of the test lines of a question's pairs."""
    plain = replace(question, lines=None)
    with reading(store, plain) as connection:
        part = Slice.of(connection, plain)
        query = (
            select(PairRow.source, PairRow.target, TestRow.lines)
            .select_from(GridPairRow)
            .join(ConditionRow, ConditionRow.id == GridPairRow.condition_id)
            .join(PairRow, PairRow.id == GridPairRow.pair_id)
            .join(TestRow, is_text(TestRow))
            .where(GridPairRow.grid_id == part.grid_id, GridPairRow.condition_id.in_(part.conditions))
            .where(TestRow.lines.is_not(None))
        )
        return {Pair(source, target): address for source, target, address in connection.execute(query)}


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
