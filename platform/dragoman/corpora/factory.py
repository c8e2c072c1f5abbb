"""Factory of corpora: opens the one a spec names."""

from collections.abc import Mapping
from typing import Any

from dragoman import plugins
from dragoman.corpora.base import Corpus
from dragoman.spec.corpus import checked_options


def open_corpus(kind: str, options: Mapping[str, Any]) -> Corpus:
    """The corpus of a kind, with its options checked.

    Raises:
        UnknownPluginError: no such kind is installed.
        CorpusError: an option is not one of this kind's or has a wrong value, or a file it names is not there.
    """
    corpus: type[Corpus] = plugins.load("corpora", kind)
    return corpus(checked_options(kind, options))
