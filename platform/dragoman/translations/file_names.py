"""Files that are named for a pair or a language, in whatever standard's codes."""

import re
from collections.abc import Collection, Mapping

from dragoman.corpora.readers.files import Files
from dragoman.corpora.readers.name_patterns import language_of, pairs_named
from dragoman.language import tags_as_they_are
from dragoman.pair import Pair
from dragoman.translations.base import TranslationError, TranslationFiles

SOURCE, TARGET = "{source}", "{target}"
"""Places of the languages in a pattern."""


class FilesByPair(TranslationFiles):
    """Translations in one file a pair; a subclass for each layout of such files."""

    lacks = "has no file of translations of"
    """What is said of the place where the file of a pair is missing."""

    def __init__(self, files: Files, names: Mapping[Pair, str]) -> None:
        """Open nothing yet.

        Args:
            files: where the translations are.
            names: the file of each pair there.
        """
        self._files, self._names = files, names

    @property
    def pairs(self) -> Collection[Pair]:
        """The pairs of the files."""
        return self._names.keys()

    def place(self, pair: Pair) -> str:
        """Its file."""
        return self._files.place(self._names[pair])

    def why_missing(self, pair: Pair) -> str:
        """There is no file."""
        return f"{self._files.url} {self.lacks} {pair}"


def files_by_pair(key: str, path: str, languages: Collection[str]) -> tuple[Files, dict[Pair, str]]:
    """The files that a pattern matches, by the pair that they are named for.

    Args:
        key: where the pattern was given, for errors.
        path: the pattern, with `{source}` and `{target}` in it.
        languages: tags that are taken as they are, whatever this version makes of them.

    Raises:
        CorpusError: there is no such folder or file.
        TranslationError: one language is not in the pattern, or two files are of one pair.
    """
    if SOURCE not in path or TARGET not in path:
        raise TranslationError(
            f"{key} is '{path}': a pattern has both languages in it; write it such as outputs/{SOURCE}-{TARGET}.txt."
        )
    files, pattern = _split(key, path)
    found: dict[Pair, str] = {}
    with tags_as_they_are(languages):
        for name in files.names:
            for pair in pairs_named(pattern, [name]):
                if pair in found:
                    raise TranslationError(
                        f"{files.place(found[pair])} and {files.place(name)} are both named for {pair}; keep one."
                    )
                found[pair] = name
    files.require(found, f"file named like {pattern}")
    return files, found


def files_by_language(key: str, path: str, languages: Collection[str]) -> tuple[Files, dict[str, str]]:
    """The same for a pattern with `{source}` alone, by the language."""
    files, pattern = _split(key, path)
    expression = re.escape(pattern).replace(re.escape(SOURCE), "(?P<code>[^/]+?)", 1)
    expression = expression.replace(re.escape(SOURCE), "(?P=code)")
    found: dict[str, str] = {}
    with tags_as_they_are(languages):
        for name in files.names:
            match = re.fullmatch(expression, name)
            if match and (tag := language_of(match["code"])):
                if tag in found:
                    raise TranslationError(
                        f"{files.place(found[tag])} and {files.place(name)} are both named for {tag}; keep one."
                    )
                found[tag] = name
    files.require(found, f"file named like {pattern}")
    return files, found


def single_file(key: str, path: str, pairs: Collection[Pair]) -> tuple[Files, dict[Pair, str]]:
    """One file, where there is one pair.

    Raises:
        CorpusError: there is no such file.
        TranslationError: it is a folder, or there are several pairs.
    """
    files = Files(key, path, "the path of a file")
    if len(files.names) != 1:
        raise TranslationError(
            f"{key} is '{files.url}': it is a folder; write how its files are named, such as "
            f"{files.url.rstrip('/')}/{SOURCE}-{TARGET}.txt."
        )
    if len(pairs) != 1:
        raise TranslationError(
            f"{key} is '{files.url}': it is one file, and nothing in it tells which of the {len(pairs)} pairs it is "
            f"of; give a file for each, such as outputs/{SOURCE}-{TARGET}.txt, or a table with a column of pairs."
        )
    return files, {next(iter(pairs)): next(iter(files.names))}


def _split(key: str, path: str) -> tuple[Files, str]:
    """The folder of a pattern, and what follows it."""
    first = min(path.index(place) for place in (SOURCE, TARGET) if place in path)
    folder, _, below = path[:first].rpartition("/")
    start = folder or ("/" if path.startswith("/") else ".")
    return Files(key, start, f"the path of files named like {path}"), below + path[first:]
