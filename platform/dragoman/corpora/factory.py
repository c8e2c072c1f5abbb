"""Opening the corpus a spec names."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from dragoman import plugins
from dragoman.corpora.base import Corpus, CorpusOptions
from dragoman.errors import CorpusError, nearest


def open_corpus(kind: str, options: Mapping[str, Any]) -> Corpus:
    """The corpus of a kind, with its options checked.

    Raises:
        UnknownPluginError: no such kind is installed.
        CorpusError: an option is not one of this kind's or has a wrong value, or a file it names is not there.
    """
    corpus: type[Corpus] = plugins.load("corpora", kind)
    return corpus(checked_options(kind, options))


def checked_options(kind: str, options: Mapping[str, Any], place: str = "corpus") -> CorpusOptions:
    """The options of a kind of corpus; nothing is opened.

    Args:
        kind: the kind.
        options: its options as a spec has them.
        place: where in the spec they stand, for errors.

    Raises:
        UnknownPluginError: no such kind is installed.
        CorpusError: an option is not one of this kind's or has a wrong value.
    """
    corpus: type[Corpus] = plugins.load("corpora", kind)
    for key in options:
        if key not in corpus.Options.model_fields:
            known = corpus.Options.model_fields
            raise CorpusError(f"{place}: the kind {kind} has no option '{key}'; {nearest(str(key), known)}")
    try:
        return corpus.Options.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors()[0]
        steps = ".".join([place, *(str(step) for step in first["loc"])])
        if first["type"] == "missing":
            raise CorpusError(f"{steps} is missing: a {kind} corpus needs it.") from error
        message = str(first["msg"]).removeprefix("Value error, ").rstrip(".")
        raise CorpusError(f"{steps} is {first['input']!r}: {message[:1].lower()}{message[1:]}.") from error
