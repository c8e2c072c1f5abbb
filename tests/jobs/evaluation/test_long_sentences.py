"""Sentences that a model has no room for: empty, cut or failing, and marked."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from dragoman.errors import ModelError
from dragoman.pair import Pair
from dragoman.spec.decoding import Decoding, TooLong
from dragoman_jobs.engines.base import NO_ROOM, SOURCE_CUT, Engine, Hypothesis
from dragoman_jobs.evaluation.long_sentences import Translator
from dragoman_jobs.models.checkpoint import Checkpoint

PAIR = Pair("en", "de")
ROOM = 30
"""Characters that a prompt may have."""


class Narrow(Engine):
    """Answers with the source in capitals; knows beforehand which prompts are longer than `ROOM`, and refuses them."""

    @classmethod
    def prepare(cls, checkpoint: Checkpoint, decoding: Decoding, cache: Path) -> Path:
        return cache

    def __init__(self, prepared: Path = Path(), decoding: Decoding | None = None, device: str = "cpu") -> None:
        del prepared, decoding, device

    def without_room(self, pair: Pair, sources: Sequence[str], prompts: Sequence[str]) -> list[str | None]:
        return [f"{len(prompt)} characters" if len(prompt) > ROOM else None for prompt in prompts]

    def translate(self, prompts: Sequence[str], batch_tokens: int | None = None) -> list[Hypothesis]:
        assert all(len(prompt) <= ROOM for prompt in prompts)
        return [Hypothesis(prompt.removeprefix("to de: ").upper(), "stop", 1) for prompt in prompts]


class Endpoint(Narrow):
    """Tells only when it is asked."""

    def without_room(self, pair: Pair, sources: Sequence[str], prompts: Sequence[str]) -> list[str | None]:
        return [None] * len(prompts)

    def translate(self, prompts: Sequence[str], batch_tokens: int | None = None) -> list[Hypothesis]:
        return [
            Hypothesis("", NO_ROOM, 0) if len(prompt) > ROOM else super(Endpoint, self).translate([prompt])[0]
            for prompt in prompts
        ]


def translated(engine: Engine, too_long: TooLong, *sources: str) -> list[tuple[str, str]]:
    translator = Translator(engine, PAIR, lambda source, reference: f"to de: {source}", too_long)
    return [(each.text, each.finish_reason) for each in translator.translate(sources, ["x"] * len(sources))]


LONG = "one two three four five six seven eight nine ten"


@pytest.mark.parametrize("engine", [Narrow, Endpoint])
def test_by_default_a_sentence_without_room_is_an_empty_translation(engine: type[Engine]) -> None:
    found = translated(engine(), "empty", "short", LONG, "brief")
    assert found == [("SHORT", "stop"), ("", NO_ROOM), ("BRIEF", "stop")]


@pytest.mark.parametrize("engine", [Narrow, Endpoint])
def test_it_can_fail_its_pair_with_a_sentence(engine: type[Engine]) -> None:
    with pytest.raises(ModelError, match=r"no room for 1 of the 2 sentences of en-de \(sentence 2: .*than fail"):
        translated(engine(), "fail", "short", LONG)
    assert translated(engine(), "fail", "short") == [("SHORT", "stop")]


def test_it_can_be_cut_to_the_words_that_have_room() -> None:
    found = translated(Narrow(), "cut", "short", LONG)
    assert found == [("SHORT", "stop"), ("ONE TWO THREE FOUR FIVE", SOURCE_CUT)]  # 23 characters, and 7 before them
    assert translated(Narrow(), "cut", LONG.replace("five", "fiver")) == [("ONE TWO THREE FOUR", SOURCE_CUT)]
    (cut,) = translated(Narrow(), "cut", "x" * 100)
    assert cut == ("X" * (ROOM - len("to de: ")), SOURCE_CUT)


def test_what_only_the_endpoint_knows_is_asked_shorter_and_shorter() -> None:
    ((text, reason),) = translated(Endpoint(), "cut", LONG)
    assert reason == SOURCE_CUT
    assert LONG.upper().startswith(text)
    assert 0 < len(text) <= ROOM


@pytest.mark.parametrize("engine", [Narrow, Endpoint])
def test_a_pair_without_room_for_any_sentence_fails(engine: type[Engine]) -> None:
    with pytest.raises(ModelError, match="no room for any of the 2 sentences"):
        translated(engine(), "empty", LONG, LONG)
