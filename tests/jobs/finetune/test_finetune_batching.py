"""The order and shape of batches."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman_jobs.finetune.batching import batches, collate
from dragoman_jobs.finetune.examples import EncodedExamples


def an_epoch(lengths: list[int], batch_tokens: int, seed: int) -> list[list[int]]:
    taken: list[list[int]] = []
    for rows in batches(np.array(lengths), batch_tokens, seed):
        taken.append(rows.tolist())
        if sum(map(len, taken)) >= len(lengths):
            return taken
    raise AssertionError("batches end")


@given(st.lists(st.integers(2, 90), min_size=1, max_size=300), st.integers(64, 400), st.integers(0, 2**40))
def test_an_epoch_has_every_example_once_within_the_budget(lengths: list[int], batch_tokens: int, seed: int) -> None:
    epoch = an_epoch(lengths, batch_tokens, seed)
    assert sorted(index for rows in epoch for index in rows) == list(range(len(lengths)))
    for rows in epoch:
        assert len(rows) * max(lengths[index] for index in rows) <= batch_tokens or len(rows) == 1


def test_the_order_is_a_function_of_the_seed_and_the_step() -> None:
    lengths = np.random.default_rng(0).integers(5, 60, 500)

    def first(seed: int) -> list[list[int]]:
        return [rows.tolist() for rows in islice(batches(lengths, 512, seed), 120)]

    assert first(3) == first(3)
    assert first(3) != first(4)
    epoch = len(an_epoch(lengths.tolist(), 512, 3))
    assert epoch < 100
    assert first(3)[:10] != first(3)[epoch : epoch + 10]  # another epoch, another order


def test_little_is_padded() -> None:
    lengths = np.random.default_rng(0).integers(5, 100, 5000)
    padded = sum(len(rows) * int(lengths[rows].max()) for rows in islice(batches(lengths, 1024, 1), 200))
    real = sum(int(lengths[rows].sum()) for rows in islice(batches(lengths, 1024, 1), 200))
    in_random_batches = sum(20 * int(lengths[start : start + 20].max()) for start in range(0, 5000, 20)) / lengths.sum()
    assert padded / real < 1.03 < 1.5 < in_random_batches


@pytest.fixture
def two_examples() -> EncodedExamples:
    """Prompts 10 11 12 and 20, targets 13 2 and 21 22 2."""
    return EncodedExamples(
        tokens=np.array([10, 11, 12, 13, 2, 20, 21, 22, 23, 24, 2], dtype=np.int32),
        starts=np.array([0, 5, 11]),
        prompt_lengths=np.array([3, 1]),
        kept=np.array([0, 1]),
        skipped_too_long=0,
    )


def test_collating_pads_right_and_labels_targets_only(two_examples: EncodedExamples) -> None:
    batch = collate(two_examples, np.array([0, 1]), padding=1)
    assert batch.input_ids.tolist() == [[10, 11, 12, 13, 1], [20, 21, 22, 23, 24]]
    assert batch.attention_mask.tolist() == [[1, 1, 1, 1, 0], [1, 1, 1, 1, 1]]
    assert batch.labels.tolist() == [13, 2, 21, 22, 23, 24, 2]
    read = batch.input_ids.flatten()[batch.positions].tolist()
    assert read == [12, 13, 20, 21, 22, 23, 24]  # each label's position holds the token before it
