"""Alignment of translations from elsewhere with the sentences of a test set: by their number, and by the source."""

from collections.abc import Sequence

from dragoman.line import in_one_line
from dragoman.pair import Pair
from dragoman.translations.base import Entry, TranslationError, TranslationFiles
from dragoman.translations.text_files import shown


def aligned(files: TranslationFiles, pair: Pair, sources: Sequence[str], references: Sequence[str]) -> list[str]:
    """A pair's translations, one for each test sentence; a line break within one is a space, as engines write it.

    Args:
        files: the translations.
        pair: the direction.
        sources: the test sentences.
        references: their translations in the test set.

    Raises:
        TranslationError: they are fewer or more, or of other sentences; the sentence names the first line that differs.
        CorpusError: the file is damaged.
    """
    entries = files.entries(pair)
    place = files.place(pair)
    for number, (entry, source) in enumerate(zip(entries, sources, strict=False), 1):
        if (reason := _differs(entry, source, number, sources, references)) is not None:
            raise TranslationError(f"{place}, {files.unit} {entry.number}, {reason}.")
    count = len(sources)
    if len(entries) < count:
        after = f"ends after {files.unit} {entries[-1].number}" if entries else "is empty"
        raise TranslationError(
            f"{place} {after}, and the test set has {count} sentences of {pair}: there is no translation of sentence "
            f"{len(entries) + 1} ('{shown(sources[len(entries)])}'); give one for each."
        )
    if len(entries) > count:
        extra = entries[count]
        raise TranslationError(
            f"{place}, {files.unit} {extra.number}, is one more than the {count} sentences of {pair} in the test set "
            f"('{shown(extra.hypothesis)}'): give one translation for each."
        )
    return [in_one_line(entry.hypothesis) for entry in entries]


def _differs(entry: Entry, source: str, number: int, sources: Sequence[str], references: Sequence[str]) -> str | None:
    """Why an entry is no translation of a test sentence, as the end of an error; None where nothing says so."""
    expected = f"sentence {number} of the test set ('{shown(source)}')"
    if entry.source is None:
        if entry.prompt is None or source in entry.prompt:
            return None
        return f"was asked with a prompt that does not hold {expected}: it is of another test set, revision or order"
    found = in_one_line(entry.source).strip()
    if found == source:
        return None
    if found in sources:
        return f"translates sentence {sources.index(found) + 1} where {expected} is due: put them in its order"
    if found in references:
        return f"translates a reference ('{shown(found)}') and not {expected}: it is of the reverse direction"
    return (
        f"translates '{shown(found)}' and not {expected}: it is of another test set, another revision of it, or "
        "another language"
    )
