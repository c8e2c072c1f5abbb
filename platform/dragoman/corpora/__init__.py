"""Corpora of aligned text: the plugin interface, the factory, and the kinds and readers that come with Dragoman."""

from typing import TYPE_CHECKING

from dragoman.exports import lazy_exports

if TYPE_CHECKING:
    from dragoman.corpora.base import Corpus
    from dragoman.corpora.factory import open_corpus
    from dragoman.corpora.kinds.cldr import CORE_LANGUAGES, Cldr, CldrOptions
    from dragoman.corpora.readers.column_mapping import TableOptions
    from dragoman.corpora.readers.files import Files
    from dragoman.corpora.readers.parallel_files import PathOptions, SideBySide
    from dragoman.corpora.readers.tables import Table
    from dragoman.errors import CorpusError
    from dragoman.segment import Segment, Split
    from dragoman.spec.corpus import CorpusOptions

__all__ = [
    "CORE_LANGUAGES",
    "Cldr",
    "CldrOptions",
    "Corpus",
    "CorpusError",
    "CorpusOptions",
    "Files",
    "PathOptions",
    "Segment",
    "SideBySide",
    "Split",
    "Table",
    "TableOptions",
    "open_corpus",
]

_NAMES = {
    "dragoman.corpora.base": ("Corpus",),
    "dragoman.corpora.factory": ("open_corpus",),
    "dragoman.corpora.kinds.cldr": (
        "CORE_LANGUAGES",
        "Cldr",
        "CldrOptions",
    ),
    "dragoman.corpora.readers.column_mapping": ("TableOptions",),
    "dragoman.corpora.readers.files": ("Files",),
    "dragoman.corpora.readers.parallel_files": (
        "PathOptions",
        "SideBySide",
    ),
    "dragoman.corpora.readers.tables": ("Table",),
    "dragoman.errors": ("CorpusError",),
    "dragoman.segment": (
        "Segment",
        "Split",
    ),
    "dragoman.spec.corpus": ("CorpusOptions",),
}

__getattr__ = lazy_exports(__name__, _NAMES)
