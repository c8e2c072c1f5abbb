"""Translation of a cell's sentences, with those that the model has no room for as the spec says."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from dragoman.errors import ModelError
from dragoman.pair import Pair
from dragoman.spec.decoding import TooLong
from dragoman_jobs.engines.base import NO_ROOM, SOURCE_CUT, Engine, Hypothesis, Request
from dragoman_jobs.evaluation.decoding_rounds import Steps, decode
from dragoman_jobs.prompts.rendering import Render

TRIES = 12
"""How often a sentence is shortened for an engine that can't tell beforehand what has room."""

KEPT = 0.7
"""The part of it that is kept each time."""


@dataclass(frozen=True)
class Translator:
    """Translates the sentences of a pair.

    Args:
        engine: the model.
        pair: the direction.
        render: makes the prompts.
        too_long: what becomes of sentences that the model has no room for.
    """

    engine: Engine
    pair: Pair
    render: Render
    too_long: TooLong

    def translate(self, sources: Sequence[str], references: Sequence[str]) -> list[Hypothesis]:
        """What `steps` comes to, decoded by itself.

        Raises:
            ModelError: as there.
        """
        return decode(self.engine, self.steps(sources, references))

    def steps(self, sources: Sequence[str], references: Sequence[str]) -> Steps:
        """The translation of every sentence; those without room are empty or of a shortened source, and marked so.

        Args:
            sources: the sentences.
            references: their translations, which prompts must not give away.

        Raises:
            ModelError: there is room for none of them, or not for all and `too_long` is `fail`.
        """
        prompts = [self.render(*both) for both in zip(sources, references, strict=True)]
        lacking = self.engine.without_room(self.pair, sources, prompts)
        if self.too_long == "fail":
            self._refuse(lacking)
        texts = list(sources)
        for place, reason in enumerate(lacking):
            if reason is not None:
                texts[place] = self._shortened(sources[place], references[place])
                prompts[place] = self.render(texts[place], references[place])
        asked = [place for place, reason in enumerate(lacking) if reason is None or texts[place]]
        found = [Hypothesis("", NO_ROOM, 0)] * len(sources)
        answers = yield [Request(self.pair, texts[place], prompts[place]) for place in asked]
        for place, answer in zip(asked, answers, strict=True):
            found[place] = answer if texts[place] == sources[place] else answer._replace(finish_reason=SOURCE_CUT)
            if answer.finish_reason == NO_ROOM:
                lacking[place] = "the server says that it is too long"
                if self.too_long == "cut":
                    found[place] = yield from self._asked_shorter(sources[place], references[place])
        if self.too_long == "fail" or all(each.finish_reason == NO_ROOM for each in found):
            self._refuse(lacking)
        return found

    def _refuse(self, lacking: Sequence[str | None]) -> None:
        """Raise where there is a reason why a sentence has no room."""
        without = [(number, reason) for number, reason in enumerate(lacking, 1) if reason is not None]
        if without:
            number, reason = without[0]
            count = "any" if len(without) == len(lacking) else str(len(without))
            raise ModelError(
                f"The model has no room for {count} of the {len(lacking)} sentences of {self.pair} (sentence {number}: "
                f"{reason}): lower max_new_tokens or the prompt's shots"
                + ("." if count == "any" else ", or have evaluation.too_long say otherwise than fail.")
            )

    def _shortened(self, source: str, reference: str) -> str:
        """The longest beginning of a sentence that the model has room for, at the end of a word; may be empty."""
        if self.too_long != "cut":
            return ""

        def has_room(kept: int) -> bool:
            text = _beginning(source, kept)
            return not text or self.engine.without_room(self.pair, [text], [self.render(text, reference)]) == [None]

        return _beginning(source, _last(has_room, len(source)))

    def _asked_shorter(self, source: str, reference: str) -> Generator[Sequence[Request], list[Hypothesis], Hypothesis]:
        """The translation of a beginning of a sentence, shorter and shorter until it has room."""
        kept = float(len(source))
        for _ in range(TRIES):
            kept *= KEPT
            text = _beginning(source, int(kept))
            if not text:
                break
            (answer,) = yield [Request(self.pair, text, self.render(text, reference))]
            if answer.finish_reason != NO_ROOM:
                return answer._replace(finish_reason=SOURCE_CUT)
        return Hypothesis("", NO_ROOM, 0)


def _beginning(text: str, kept: int) -> str:
    """At most so many characters of a text; of one with spaces in them, whole words."""
    part = text[:kept]
    if kept < len(text) and not text[kept].isspace() and any(map(str.isspace, part)):
        part = part.rsplit(None, 1)[0]
    return part.rstrip()


def _last(holds: Callable[[int], bool], end: int) -> int:
    """The last number below an end that a condition holds for, which holds from 0 up to there."""
    low = 0
    while end - low > 1:
        middle = (low + end) // 2
        low, end = (middle, end) if holds(middle) else (low, middle)
    return low
