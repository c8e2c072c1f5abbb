"""Sentences as plain text for other scorers: one file for sources, references and each system, one sentence a line."""

from collections import defaultdict
from pathlib import Path

from dragoman.line import in_one_line
from dragoman.pair import Pair
from dragoman.sentences.sentences import Sentence, Sentences
from dragoman.sharing.file_names import file_names, language_pair
from dragoman.sharing.new_folder import new_folder


def write_text_files(found: Sentences, folder: Path) -> list[Path]:
    """Write a folder for each pair: `source.txt`, `reference.txt` (`reference2.txt` ...) and `SYSTEM.txt`.

    Line n of every file of a folder is of one sentence: line breaks within a text become blanks.

    Args:
        found: the sentences.
        folder: a new folder, or an empty one; it appears once it is whole.

    Returns:
        The files.

    Raises:
        StoreError: something is there already, or it can't be written.
    """
    by_pair: defaultdict[Pair, list[Sentence]] = defaultdict(list)
    for each in found:
        by_pair[each.pair].append(each)
    written = []
    with new_folder(folder) as partial:
        for pair, own in by_pair.items():
            for name, texts in _files(own).items():
                path = Path(language_pair(pair)) / f"{name}.txt"
                (partial / path).parent.mkdir(exist_ok=True)
                text = "".join(f"{_line(each)}\n" for each in texts)
                (partial / path).write_text(text, encoding="utf-8", newline="\n")
                written.append(folder / path)
    return written


def _files(own: list[Sentence]) -> dict[str, list[str]]:
    """The lines of each file of a pair."""
    files = {"source": [each.source for each in own], "reference": [each.reference for each in own]}
    for place in range(max(len(each.further) for each in own)):
        files[f"reference{place + 2}"] = [(*each.further, *[""] * place, "")[place] for each in own]
    systems = [each.system for each in own[0].translations]
    names = file_names([*((name, name) for name in files), *((f"system {name}", name) for name in systems)])
    for name in systems:
        files[names[f"system {name}"]] = [next(x.text for x in each.translations if x.system == name) for each in own]
    return files


def _line(text: str) -> str:
    """A text without a character that readers of text take for the end of a line."""
    return in_one_line(text).replace("\r", " ")
