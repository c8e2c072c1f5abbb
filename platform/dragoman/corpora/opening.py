"""Opening the corpus a spec names."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from dragoman import plugins
from dragoman.corpora.base import Corpus
from dragoman.errors import CorpusError, nearest


def open_corpus(kind: str, options: Mapping[str, Any]) -> Corpus:
    """The corpus of a kind, with its options checked.

    Raises:
        UnknownPluginError: no such kind is installed.
        CorpusError: an option is not one of this kind's or has a wrong value, or a file it names is not there.
    """
    corpus: type[Corpus] = plugins.load("corpora", kind)
    for key in options:
        if key not in corpus.Options.model_fields:
            known = corpus.Options.model_fields
            raise CorpusError(f"corpus: the kind {kind} has no option '{key}'; {nearest(key, known)}")
    try:
        checked = corpus.Options.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(["corpus", *(str(step) for step in first["loc"])])
        if first["type"] == "missing":
            raise CorpusError(f"{place} is missing: a {kind} corpus needs it.") from error
        message = str(first["msg"]).removeprefix("Value error, ").rstrip(".")
        raise CorpusError(f"{place} is {first['input']!r}: {message[:1].lower()}{message[1:]}.") from error
    return corpus(checked)
