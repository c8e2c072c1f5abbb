"""Language identification by py3langid, the default."""

from collections.abc import Collection, Mapping
from copy import copy
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, ClassVar

import langcodes

from dragoman.metrics.base import MetricNeedError
from dragoman.metrics.detectors.base import LanguageIdentifier

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier as Py3LangIdModel  # type: ignore[import-untyped]


class Py3LangId(LanguageIdentifier):
    """py3langid, restricted to the languages in question: naive Bayes over bytes, 97 languages."""

    name: ClassVar[str] = "py3langid"

    @property
    def version(self) -> str:
        """The library's version, which carries its model."""
        return f"py3langid-{version('py3langid')}"

    def code(self, tag: str) -> str | None:
        """The code of a language, or of one that CLDR takes for the same (`no` for `nb`, `tl` for `fil`)."""
        return _code(tag)

    def chances(self, codes: Collection[str], text: str) -> Mapping[str, float]:
        """The probability of each of some codes."""
        return _chances(frozenset(codes), text)


@lru_cache(maxsize=4)
def _model(codes: frozenset[str] | None) -> "Py3LangIdModel":
    """The model, restricted to some of its codes."""
    try:
        from py3langid.langid import MODEL_FILE
        from py3langid.langid import LanguageIdentifier as Model
    except ImportError as error:
        raise MetricNeedError(f"off_target needs py3langid ({error}): pip install py3langid regex.") from error
    if codes is None:
        return Model.from_model_file(MODEL_FILE, norm_probs=True)
    model = copy(_model(None))  # the weights themselves are shared
    model.set_languages(codes)
    return model


@lru_cache(maxsize=64)  # a text is often judged several times in a row: as a copy, or for other targets
def _chances(codes: frozenset[str], text: str) -> dict[str, float]:
    return dict(_model(codes).rank(text))


@lru_cache(maxsize=1024)
def _code(tag: str) -> str | None:
    language = langcodes.Language.get(tag).language or ""
    code, _ = langcodes.closest_match(language, _model(None).labels, max_distance=1)
    return None if code == "und" else code
