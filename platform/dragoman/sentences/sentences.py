"""Sentences of a grid with each system's translation, its score and its error labels: all, or chosen ones."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from dragoman.metrics.errors.label import Label
from dragoman.pair import Pair

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Translated:
    """A system's translation of a sentence."""

    system: str
    """The system: `MODEL`, or `MODEL:PROMPT` where the grid has several prompts."""
    text: str
    """The translation."""
    score: float | None
    """Its score alone by the metric; None where it has none. Corpus scores are no means of these."""
    labels: tuple[Label, ...]
    """Its error labels."""
    finish_reason: str
    """Why it ended: `stop`, `length` and others (`dragoman.store.blobs`)."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a test set with its translations."""

    pair: Pair
    """The direction."""
    number: int
    """Its place in the pair's test lines, from 1."""
    source: str
    """The source sentence."""
    reference: str
    """Its reference."""
    further: tuple[str, ...]
    """Further references, which scores hold translations against as well."""
    about: Mapping[str, str]
    """The labels of the line by name: its domain, its document."""
    translations: tuple[Translated, ...]
    """One for each system that has translated the pair."""

    def by(self, system: str) -> Translated | None:
        """A system's translation; None where it has none."""
        return next((each for each in self.translations if each.system == system), None)


@dataclass(frozen=True, repr=False)
class Sentences(Sequence[Sentence]):
    """The sentences that a question asked for, in their order."""

    grid: str
    """Name of the grid."""
    metric: str
    """The metric of the scores."""
    signature: str | None
    """Its signature, the same for all of them; None where there are no scores of single sentences."""
    systems: tuple[str, ...]
    """The systems shown."""
    pairs: tuple[Pair, ...]
    """The pairs looked at."""
    how: str
    """How many of how many were chosen, and by what, as a sentence."""
    chosen: tuple[Sentence, ...]
    """The sentences."""

    @overload
    def __getitem__(self, place: int) -> Sentence: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Sentence]: ...
    def __getitem__(self, place: int | slice) -> Sentence | Sequence[Sentence]:
        return self.chosen[place]

    def __len__(self) -> int:
        return len(self.chosen)

    def __iter__(self) -> Iterator[Sentence]:
        return iter(self.chosen)

    def __repr__(self) -> str:
        return f"<Sentences of {self.grid}: {self.how}>"

    def records(self) -> list[dict[str, Any]]:
        """A record of plain values for each translation: what a frame, JSON and CSV hold."""
        most = max((len(each.further) for each in self.chosen), default=0)
        about = sorted({name for each in self.chosen for name in each.about})
        return [
            {
                "pair": str(each.pair),
                "number": each.number,
                "source": each.source,
                "reference": each.reference,
                **{f"reference_{place + 2}": _at(each.further, place) for place in range(most)},
                **{f"line_{name}": each.about.get(name) for name in about},
                "system": own.system,
                "translation": own.text,
                "metric": self.metric,
                "score": own.score,
                "labels": [label.value for label in own.labels],
                "finish_reason": own.finish_reason,
            }
            for each in self.chosen
            for own in each.translations
        ]

    def frame(self) -> "pd.DataFrame":
        """The same as a pandas frame: a row for each translation.

        Raises:
            ModuleNotFoundError: pandas is not installed.
        """
        import pandas as pd

        return pd.DataFrame(self.records())

    def _repr_html_(self) -> str:
        found: str = self.frame().to_html(index=False, max_rows=20, notebook=True)
        return f"<p>{self.how}</p>{found}"


def _at(texts: Sequence[str], place: int) -> str | None:
    return texts[place] if place < len(texts) else None
