"""Irregular lines of tab-separated text: cut off, or with a tab inside a sentence."""

from dragoman.corpora.readers.files import Files
from dragoman.errors import CorpusError


def check_end(files: Files, name: str, number: int, line: str | bytes) -> None:
    """Refuse a last line without its line break: what was cut off in the middle of a sentence looks the same.

    A compressed file is whole if it could be unpacked, so its last line may end as it likes.

    Raises:
        CorpusError: the line is not ended.
    """
    if line and line[-1:] not in ("\n", b"\n") and not files.is_packed(name):
        raise CorpusError(
            f"{files.place(name)}, line {number}: the file ends without a line break, so it may be cut off in the "
            "middle of a line; fetch it again, or end it with a line break if it is whole."
        )


def halves(text: str) -> tuple[str, str]:
    """The two sentences of a text with more than one tab, one of which therefore holds a tab.

    It is cut where the halves are most alike in length, as translations are (Gale and Church 1993,
    https://aclanthology.org/J93-1004).
    """
    cuts = [position for position, character in enumerate(text) if character == "\t"]
    cut = min(cuts, key=lambda position: abs(2 * position + 1 - len(text)))
    return text[:cut], text[cut + 1 :]
