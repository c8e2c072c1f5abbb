"""A directed language pair: source to target."""

from collections.abc import Collection, Iterable
from itertools import permutations
from typing import Annotated, Any, NamedTuple, Self

from pydantic import BeforeValidator, PlainSerializer

from dragoman.errors import DragomanError
from dragoman.language import canonical_tag, tag_among, tags_as_they_are


class PairError(DragomanError, ValueError):
    """Text that names no directed pair."""


class Pair(NamedTuple):
    """A translation direction; both sides are canonical language tags and differ."""

    source: str
    target: str

    @classmethod
    def of(cls, source: str, target: str) -> Self:
        """The pair of two languages in any notation `canonical_tag` takes.

        Raises:
            PairError: both sides are the same language.
            LanguageError: a side is not a language.
        """
        pair = cls(canonical_tag(source), canonical_tag(target))
        if pair.source == pair.target:
            raise PairError(f"'{source}-{target}' pairs {pair.source} with itself: give two different languages.")
        return pair

    @classmethod
    def among(cls, source: str, target: str, tags: Collection[str]) -> Self:
        """The pair of two languages as some tags call them, such as a grid's, which an earlier version may have named.

        Raises:
            PairError: both sides are the same language.
            LanguageError: a side is neither among the tags nor a language.
        """
        named = [tag_among(side, tags) or side for side in (source, target)]
        with tags_as_they_are(tags):
            return cls.of(*named)

    @classmethod
    def read_back(cls, text: str) -> Self:
        """The pair that was written with `str`, by this or an earlier version: its tags are read literally."""
        source, _, target = text.partition(">" if ">" in text else "-")
        return cls(source, target)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The pair written as ``de-fr``, ``deu_Latn-fra_Latn``, ``de>fr`` or ``zh-Hans>fr``.

        Tags may hold hyphens themselves, so with ``-`` the one split at which both halves are
        languages is taken; ``>`` and ``→`` are unambiguous.
        """
        for arrow in ("→", "->", ">"):
            if arrow in text:
                source, _, target = text.partition(arrow)
                return cls.of(source, target)
        parts = text.split("-")
        found: list[Self] = []
        for cut in range(1, len(parts)):
            try:
                found.append(cls.of("-".join(parts[:cut]), "-".join(parts[cut:])))
            except PairError:
                raise
            except DragomanError:
                continue
        if len(found) == 1:
            return found[0]
        doubt = "could be several pairs" if found else "is not a directed pair"
        raise PairError(f"'{text}' {doubt}: write source and target as 'de-fr' or 'zh-Hans>fr'.")

    @property
    def reverse(self) -> Self:
        """The opposite direction."""
        return type(self)(self.target, self.source)

    def __str__(self) -> str:
        return (
            f"{self.source}-{self.target}" if "-" not in self.source + self.target else f"{self.source}>{self.target}"
        )


def _parsed(value: Any) -> Any:
    return Pair.read_back(value) if isinstance(value, str) else value


PairKey = Annotated[Pair, BeforeValidator(_parsed), PlainSerializer(str)]
"""A pair that is written as text, as keys of JSON have to be."""


def all_pairs(languages: Iterable[str]) -> list[Pair]:
    """Every ordered pair of distinct languages, sorted."""
    return sorted(Pair(source, target) for source, target in permutations(sorted(set(languages)), 2))
