"""Batches: every place once, within the tokens, halved where memory runs out, stable where texts come and go."""

import random
from collections.abc import Sequence

import pytest

from dragoman.environments.workers.batches import Batching, key


def texts(count: int, seed: int = 5) -> list[str]:
    chosen = random.Random(seed)
    return ["".join(chosen.choices("abcdefg ", k=chosen.randint(1, 60))) for _ in range(count)]


@pytest.mark.parametrize("tokens", [1, 40, 500, 10**6])
def test_every_place_is_in_one_batch_within_the_tokens(tokens: int) -> None:
    given = sorted(set(texts(300)))
    lengths = [len(each) for each in given]
    for batches in (Batching(tokens).places(lengths), Batching(tokens).places_of_texts(given, lengths)):
        assert sorted(place for batch in batches for place in batch) == list(range(len(given)))
        for batch in batches:
            assert len(batch) == 1 or len(batch) * max(lengths[place] for place in batch) <= tokens
        longest = [lengths[place] for batch in batches for place in batch]
        assert longest == sorted(longest, reverse=True)


def test_batches_of_texts_follow_from_the_set_and_mostly_survive_the_loss_of_one() -> None:
    given = sorted(set(texts(800)))

    def batches(chosen: Sequence[str]) -> set[bytes]:
        found = Batching(400).places_of_texts(chosen, [len(each) for each in chosen])
        return {key([chosen[place] for place in batch]) for batch in found}

    whole = batches(given)
    assert batches(random.Random(1).sample(given, len(given))) == whole
    for lost in (10, 200, 600):
        rest = batches(given[:lost] + given[lost + 1 :])
        assert len(rest & whole) > 0.75 * len(rest)


def test_a_batch_is_halved_until_it_fits() -> None:
    asked: list[int] = []

    def compute(places: Sequence[int]) -> list[int]:
        asked.append(len(places))
        if len(places) > 3:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes")
        return [10 * place for place in places]

    batching = Batching(800)
    assert batching.compute(range(10), compute) == [10 * place for place in range(10)]
    assert asked[0] == 10
    assert batching.tokens < 800


def test_one_that_does_not_fit_and_other_errors_are_raised() -> None:
    def compute(places: Sequence[int]) -> list[int]:
        raise MemoryError(len(places))

    with pytest.raises(MemoryError, match="1"):
        Batching(8).compute(range(4), compute)

    def fail(places: Sequence[int]) -> list[int]:
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        Batching(8).compute(range(4), fail)


def test_texts_that_run_together_have_other_keys() -> None:
    assert key(["ab", "c"]) != key(["a", "bc"]) != key(["abc"])
    assert key(["\ud800"]) == key(["\ud800"])
