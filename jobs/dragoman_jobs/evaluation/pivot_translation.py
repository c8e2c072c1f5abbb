"""Translation in two legs: the second one reads what the first has written as its sources."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from dragoman.errors import ModelError
from dragoman.segment import Segment
from dragoman.store.blobs import TOO_LONG, BlobStore
from dragoman_jobs.engines.base import Hypothesis
from dragoman_jobs.evaluation.decoding_rounds import Steps
from dragoman_jobs.evaluation.long_sentences import Translator


class SecondLeg(BaseModel):
    """What a worker needs to translate a cell through a third language."""

    model_config = ConfigDict(frozen=True)

    pivot: str
    """The language."""
    first: str | None = None
    """Blob of the translations of the first leg, of a cell that is done; None where there is none."""
    first_test: str | None = None
    """Blob of the test lines of that cell: its translations serve only where its sources are this cell's."""
    demonstrations: tuple[Segment, ...] = ()
    """What a few-shot prompt shows for the first leg."""

    def known_first(self, blobs: BlobStore, sources: Sequence[str]) -> list[Hypothesis] | None:
        """The translations of the first leg, as they are stored; None where there are none of these sentences."""
        if self.first is None or self.first_test is None:
            return None
        if blobs.test(self.first_test)[0] != list(sources):
            return None
        return [Hypothesis(line.text, line.finish_reason, line.tokens) for line in blobs.translation(self.first)]


def through_leg(translator: Translator, sources: Sequence[str]) -> Steps:
    """The translations of the first leg, whose references are not known.

    Raises:
        ModelError: it can't be done; the sentence says which leg it was.
    """
    return (yield from _leg(translator, sources, [""] * len(sources), "first"))


def second_leg(translator: Translator, first: Sequence[Hypothesis], references: Sequence[str]) -> Steps:
    """The translations of the second leg; what had no room in the first one is marked so in both.

    Args:
        translator: that of the second leg.
        first: the translations of the first leg.
        references: those of the whole pair, which prompts must not give away.

    Raises:
        ModelError: it can't be done; the sentence says which leg it was.
    """
    found = yield from _leg(translator, [each.text for each in first], references, "second")
    return [
        after._replace(finish_reason=before.finish_reason) if before.finish_reason in TOO_LONG else after
        for before, after in zip(first, found, strict=True)
    ]


def _leg(translator: Translator, sources: Sequence[str], references: Sequence[str], which: str) -> Steps:
    try:
        return (yield from translator.steps(sources, references))
    except ModelError as error:
        raise ModelError(f"The {which} leg, {translator.pair}, can't be translated: {error}") from error
