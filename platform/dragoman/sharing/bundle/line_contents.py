"""The content hashes that cells may know their test lines by, of the lines that a bundle holds."""

from dragoman.corpora.base import content_by_sides, content_hash
from dragoman.segment import Located, Segment
from dragoman.store.blobs import Bitext


def content_hashes(text: Bitext) -> tuple[str, str]:
    """The hash of some lines, and that of their sides: which one is a cell's depends on how its corpus reads them."""
    lines = [
        Located(Segment(source, reference), references=further)
        for source, reference, further in zip(*text, strict=True)
    ]
    return content_hash(lines), content_by_sides(lines)
