"""Choice of directed pairs: listed, all, centred on languages, by roles, or a seeded sample."""

import random
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from dragoman.errors import DragomanError, nearest
from dragoman.language import Language, canonical_tag
from dragoman.pair import Pair, all_pairs
from dragoman.spec.base import SpecModel


class Roles(SpecModel):
    """Languages by the side they are trained on; every source-side language is paired with every target-side one."""

    both: tuple[Language, ...] = ()
    """Languages trained as source and as target."""
    source: tuple[Language, ...] = ()
    """Languages trained as source only."""
    target: tuple[Language, ...] = ()
    """Languages trained as target only."""

    @model_validator(mode="after")
    def _has_one_role_each(self) -> "Roles":
        languages = [*self.both, *self.source, *self.target]
        for language, count in Counter(languages).items():
            if count > 1:
                raise ValueError(f"names {language} twice; give each language one role")
        return self

    def pairs(self) -> list[Pair]:
        """{source, both} → {target, both}, without a language to itself."""
        return sorted(
            Pair(source, target)
            for source in (*self.source, *self.both)
            for target in (*self.target, *self.both)
            if source != target
        )


class PairChoice(SpecModel):
    """A rule that chooses pairs among the grid's languages; exactly one key is given."""

    centric: tuple[Language, ...] | None = None
    """Pairs to and from these languages."""
    roles: Roles | None = None
    """Pairs by the roles of languages."""
    sample: int | None = Field(default=None, ge=1)
    """So many pairs, drawn from all with `seed`."""
    seed: int = Field(default=1, ge=0)
    """Seed of `sample`."""
    nested: bool = Field(default=False, exclude_if=lambda nested: not nested)
    """Whether a sample holds every smaller one of its seed: the first so many of all pairs in one random order."""

    @model_validator(mode="before")
    @classmethod
    def _takes_one_language_for_a_list(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("centric"), str):
            return {**value, "centric": [value["centric"]]}
        return value

    @model_validator(mode="after")
    def _has_one_rule(self) -> "PairChoice":
        if sum(rule is not None for rule in (self.centric, self.roles, self.sample)) != 1:
            raise ValueError("needs exactly one of the keys centric, roles and sample")
        if self.nested and self.sample is None:
            raise ValueError("has nested but no sample; say how many pairs are drawn, or leave nested out")
        return self

    def among(self, languages: Iterable[str]) -> list[Pair]:
        """The chosen pairs, sorted."""
        if self.roles is not None:
            return self.roles.pairs()
        everything = all_pairs(languages)
        if self.centric is not None:
            return [pair for pair in everything if set(pair) & set(self.centric)]
        count = min(self.sample or 0, len(everything))
        if self.nested:
            random.Random(f"nested-pairs-{self.seed}").shuffle(everything)
            return sorted(everything[:count])
        return sorted(random.Random(f"pairs-{self.seed}").sample(everything, count))

    def named_languages(self) -> set[str]:
        """The languages the rule names, which must be the grid's."""
        roles = self.roles or Roles()
        return {*(self.centric or ()), *roles.both, *roles.source, *roles.target}


def _parse_pair(value: Any) -> Any:
    try:
        if isinstance(value, str):
            return Pair.parse(value)
        if isinstance(value, list | tuple) and len(value) == 2:
            return Pair.of(str(value[0]), str(value[1]))
    except DragomanError as error:
        raise ValueError(str(error)) from error
    raise ValueError("is not a directed pair: write 'de-fr' or [de, fr]")


PairField = Annotated[Pair, BeforeValidator(_parse_pair)]
"""A pair in a spec."""

Declared = Literal["nothing", "unknown", "all"] | tuple[PairField, ...]
"""What a model was trained to translate, as far as the spec's author knows."""

Pairs = Literal["all"] | PairChoice | tuple[PairField, ...]


def _shape(value: Any) -> Any:
    """Tell apart the three forms before pydantic does, so that an error speaks of the form that was meant."""
    if isinstance(value, str) and value != "all":
        raise ValueError(
            f"is not a choice of pairs: write all, a list such as [{value}], or a rule such as {{centric: en}}"
        )
    if isinstance(value, list | tuple) and not value:
        raise ValueError("is an empty list; name at least one pair")
    if isinstance(value, dict):
        return PairChoice.model_validate(value)
    if isinstance(value, list | tuple):
        return tuple(_parse_pair(item) for item in value)
    return value


PairsField = Annotated[Pairs, BeforeValidator(_shape)]
"""A choice of pairs in a spec: `all`, a list, or a rule."""


TrainedPairs = Literal["nothing"] | Pairs


def _trained_shape(value: Any) -> Any:
    return value if value == "nothing" else _shape(value)


TrainedPairsField = Annotated[TrainedPairs, BeforeValidator(_trained_shape)]
"""A choice of the pairs that a model is trained on: also `nothing`, where it has monolingual instructions alone."""


def chosen(pairs: TrainedPairs, languages: Iterable[str]) -> list[Pair]:
    """The pairs a spec's choice stands for, sorted and without doubles."""
    if pairs == "nothing":
        return []
    if pairs == "all":
        return all_pairs(languages)
    if isinstance(pairs, PairChoice):
        return pairs.among(languages)
    return sorted(set(pairs))


def languages_of(pairs: TrainedPairs) -> set[str]:
    """The languages a choice names by itself."""
    if pairs in ("all", "nothing"):
        return set()
    if isinstance(pairs, PairChoice):
        return pairs.named_languages()
    return {canonical_tag(tag) for pair in pairs for tag in pair}


def check_languages(place: str, named: Iterable[str], languages: Collection[str]) -> None:
    """Refuse a language that the grid lacks.

    Args:
        place: where in the spec languages are named.
        named: these.
        languages: the grid's.

    Raises:
        ValueError: there is such a language; the sentence goes on from the grid.
    """
    for language in named:
        if language not in languages:
            raise ValueError(
                f"names {language} in {place}, which is not among its languages; add it there or "
                f"{nearest(language, languages)}"
            )
