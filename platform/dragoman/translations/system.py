"""A system whose translations are in files: its identity, which is their content, and its hypotheses pair by pair."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from dragoman.identity import hash_lines
from dragoman.model import TRANSLATIONS, ModelIdentity
from dragoman.pair import Pair
from dragoman.translations.alignment import aligned
from dragoman.translations.base import TranslationError, TranslationFiles

TestLines = Callable[[Pair], tuple[Sequence[str], Sequence[str]]]
"""Returns the source and the reference lines of a pair."""


class SystemFromFiles(NamedTuple):
    """A system that was read from files, all of whose lines were held against the test set."""

    identity: ModelIdentity
    """The system: the hash of its translations of the pairs asked for, whatever the files and it are called."""
    contents: Mapping[Pair, str]
    """The hash of the translations of each pair."""
    missing: Mapping[Pair, str]
    """Pairs that the files have no translations of, with the reason."""
    lines: Mapping[Pair, int]
    """Translations of each pair."""


def read_system(
    key: str, name: str, files: TranslationFiles, pairs: Collection[Pair], test_lines: TestLines
) -> SystemFromFiles:
    """Read all translations of a system, and hold them against the test sentences.

    Args:
        key: where the files were named, for errors.
        name: the system's name.
        files: the files.
        pairs: the pairs that there are test sentences of.
        test_lines: the test sentences.

    Raises:
        TranslationError: a file is not a translation of the test set, or there is none of any pair.
        DragomanError: a file is damaged.
    """
    there = set(files.pairs)
    missing = {pair: files.why_missing(pair) for pair in pairs if pair not in there}
    if len(missing) == len(pairs):
        some = ", ".join(map(str, sorted(there)[:3])) or "none"
        raise TranslationError(
            f"{key}: there are translations of none of the {len(pairs)} pairs ({next(iter(missing.values()), '')}; "
            f"pairs that there are: {some}). Name other files, or add their languages to the grid."
        )
    contents, lines = {}, {}
    for pair in pairs:
        if pair not in missing:
            hypotheses = aligned(files, pair, *test_lines(pair))
            contents[pair], lines[pair] = hash_lines(hypotheses), len(hypotheses)
    whole = hash_lines(f"{pair} {contents[pair]}" for pair in sorted(contents))
    return SystemFromFiles(ModelIdentity(name=name, recipe={TRANSLATIONS: whole}), contents, missing, lines)


def unchanged(files: TranslationFiles, contents: Mapping[Pair, str], pair: Pair, test_lines: TestLines) -> list[str]:
    """The translations of a pair, which must still be those that a system was made of.

    Raises:
        TranslationError: they have been changed since.
    """
    hypotheses = aligned(files, pair, *test_lines(pair))
    if hash_lines(hypotheses) != contents[pair]:
        raise TranslationError(
            f"{files.place(pair)} has been changed since it was read: it is another system now; run this again."
        )
    return hypotheses
