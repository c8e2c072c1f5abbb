"""Plain text: one file a pair, one translation a line; the source sentences may be in files of their own."""

from collections.abc import Collection, Iterator, Mapping
from itertools import zip_longest

from dragoman.corpora.readers.files import Files
from dragoman.pair import Pair
from dragoman.spec.translations import Translations
from dragoman.translations.base import Entry, TranslationError
from dragoman.translations.file_names import SOURCE, TARGET, FilesByPair, files_by_language, files_by_pair, single_file


class TextFiles(FilesByPair):
    """Text files; those of a WMT folder are some too."""

    def __init__(self, files: Files, names: Mapping[Pair, str], sources: Mapping[Pair, tuple[Files, str]]) -> None:
        """Open nothing yet.

        Args:
            files: where the translations are.
            names: the file of each pair there.
            sources: the file of each pair's source sentences, as far as there are any.
        """
        super().__init__(files, names)
        self._sources = sources

    def entries(self, pair: Pair) -> list[Entry]:
        """The lines of the pair's file, with those of its sources beside them."""
        hypotheses = text_lines(self._files, self._names[pair])
        if pair not in self._sources:
            return [Entry(number, line) for number, line in enumerate(hypotheses, 1)]
        files, name = self._sources[pair]
        entries = []
        for number, (hypothesis, source) in enumerate(zip_longest(hypotheses, text_lines(files, name)), 1):
            if hypothesis is None:
                raise TranslationError(
                    f"{self.place(pair)} ends after line {number - 1}, and its source sentences, {files.place(name)}, "
                    f"go on with line {number} ('{shown(source)}'); give a translation of each."
                )
            if source is None:
                raise TranslationError(
                    f"{self.place(pair)}, line {number} ('{shown(hypothesis)}'), has no source sentence in "
                    f"{files.place(name)}, which ends after line {number - 1}; give the sentences that were translated."
                )
            entries.append(Entry(number, hypothesis, source))
        return entries


def open_text(key: str, choice: Translations, pairs: Collection[Pair], languages: Collection[str]) -> TextFiles:
    """The text files that a spec or a command names.

    Raises:
        CorpusError: there is no such folder or file.
        TranslationError: nothing tells which file is of which pair.
    """
    path = choice.placed(choice.path)
    opened = files_by_pair(key, path, languages) if "{" in path else single_file(key, path, pairs)
    return TextFiles(*opened, _sources(f"{key}.sources", choice, pairs, languages))


def text_lines(files: Files, name: str) -> Iterator[str]:
    """The lines of a text file without their ends.

    Raises:
        CorpusError: the file is damaged, or not in UTF-8.
        TranslationError: it holds U+0000, as UTF-16 read as UTF-8 does.
    """
    for number, line in enumerate(files.lines(name), 1):
        if "\0" in line:
            raise TranslationError(
                f"{files.place(name)}, line {number}, holds the character U+0000, as text in UTF-16 does: convert the "
                "file to UTF-8."
            )
        yield line.removesuffix("\n").removesuffix("\r")


def shown(text: str) -> str:
    """A sentence in an error: its beginning."""
    text = text.strip()
    return text if len(text) <= 60 else f"{text[:57]}..."


def _sources(
    key: str, choice: Translations, pairs: Collection[Pair], languages: Collection[str]
) -> dict[Pair, tuple[Files, str]]:
    if choice.sources is None:
        return {}
    path = choice.placed(choice.sources)
    if SOURCE in path and TARGET not in path:
        files, by_language = files_by_language(key, path, languages)
        return {pair: (files, by_language[pair.source]) for pair in pairs if pair.source in by_language}
    opened, names = files_by_pair(key, path, languages) if "{" in path else single_file(key, path, pairs)
    return {pair: (opened, name) for pair, name in names.items()}
