"""Base class of language identifiers; subclasses register under the entry-point group `dragoman.detectors`."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import ClassVar

from dragoman import plugins
from dragoman.metrics.base import MetricNeedError


class LanguageIdentifier(ABC):
    """A model that knows some languages by codes of its own; `Detector` asks it between languages of one script.

    It is made without arguments, and loads its model when it is first asked.
    """

    name: ClassVar[str]
    """The name after the colon in `off_target:NAME`."""

    @property
    @abstractmethod
    def version(self) -> str:
        """The library and, where the library may load several, the model: part of every signature.

        Raises:
            MetricNeedError: the library or the model is not there, with the remedy.
        """

    @abstractmethod
    def code(self, tag: str) -> str | None:
        """The model's code of a language; None where it does not know it.

        Raises:
            MetricNeedError: as `version`.
        """

    @abstractmethod
    def chances(self, codes: Collection[str], text: str) -> Mapping[str, float]:
        """The probability of each of some codes, given that the text is in one of them.

        Raises:
            MetricNeedError: as `version`.
        """


def identifier(name: str) -> LanguageIdentifier:
    """The language identifier of a name.

    Raises:
        MetricNeedError: no installed package registers that name, or it lacks a package.
    """
    try:
        kind: type[LanguageIdentifier] = plugins.load("detectors", name)
    except plugins.UnknownPluginError as error:
        raise MetricNeedError(str(error)) from error
    except ImportError as error:
        raise MetricNeedError(f"The detector {name} needs a package that is not installed here: {error}.") from error
    return kind()
