"""Training examples: rendered prompts and targets, and their tokens."""

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman.errors import ModelError
from dragoman.pair import Pair
from dragoman_jobs.prompts.tokens import prompt_prefix, target_lead

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_CHUNK = 1000
"""Examples tokenised in one call."""


class TrainingExample(NamedTuple):
    """One example, rendered by the caller."""

    pair: Pair | str
    """The direction it teaches; of a monolingual example, the tag of its language."""
    prompt: str
    """The text put before the model."""
    target: str
    """The translation, which follows the prompt after one space, or directly where that ends in white space or in a
    special token."""


class EncodedExamples(NamedTuple):
    """The tokens of the examples that are short enough, behind each other in one array.

    Example i is ``tokens[starts[i]:starts[i + 1]]``: its prompt's tokens, then its target's, then end of sentence.
    """

    tokens: NDArray[np.int32]
    """Token ids of all examples."""
    starts: NDArray[np.int64]
    """Where each example starts in `tokens`; n + 1 entries."""
    prompt_lengths: NDArray[np.int64]
    """Tokens of each example's prompt."""
    kept: NDArray[np.int64]
    """Index of each example in the sequence that was encoded."""
    skipped_too_long: int
    """Examples left out for their length."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each example, prompt and target together."""
        return np.diff(self.starts)


def _lead(prompt: str, lead: str, special: Sequence[str]) -> str:
    """What goes between a prompt and its target: nothing after white space and after the special tokens of a chat."""
    return "" if prompt[-1:].isspace() or prompt.endswith(tuple(special)) else lead


def encode(
    tokenizer: "PreTrainedTokenizerBase", examples: Sequence[TrainingExample], max_length: int
) -> EncodedExamples:
    """Tokenise examples; those of more than `max_length` tokens are left out and counted.

    Raises:
        ModelError: no example is short enough, there are none, or the tokenizer names no end of sentence.
    """
    eos = tokenizer.eos_token_id
    if not isinstance(eos, int):
        raise ModelError(
            f"The tokenizer of {tokenizer.name_or_path} names no end-of-sentence token, so a translation could never "
            "end: set eos_token in its tokenizer_config.json."
        )
    prefix, lead, special = prompt_prefix(tokenizer), target_lead(tokenizer), tokenizer.all_special_tokens
    rows: list[NDArray[np.int32]] = []
    prompt_lengths: list[int] = []
    kept: list[int] = []
    shortest, remaining, index = None, iter(examples), 0
    while chunk := list(islice(remaining, _CHUNK)):
        prompts = tokenizer([example.prompt for example in chunk], add_special_tokens=False, verbose=False).input_ids
        targets = tokenizer(
            [_lead(example.prompt, lead, special) + example.target for example in chunk],
            add_special_tokens=False,
            verbose=False,
        ).input_ids
        for prompt, target in zip(prompts, targets, strict=True):
            length = len(prefix) + len(prompt) + len(target) + 1
            if length <= max_length:
                rows.append(np.array([*prefix, *prompt, *target, eos], dtype=np.int32))
                prompt_lengths.append(len(prefix) + len(prompt))
                kept.append(index)
            shortest = length if shortest is None else min(shortest, length)
            index += 1
    if not rows:
        if shortest is None:
            raise ModelError("There is no training example: choose pairs that the corpus has text for.")
        raise ModelError(
            f"None of the {index} training examples fits into {max_length} tokens (the shortest has {shortest}): "
            f"raise max_length, up to what the model takes, or choose shorter text."
        )
    return EncodedExamples(
        tokens=np.concatenate(rows),
        starts=np.cumsum([0, *map(len, rows)], dtype=np.int64),
        prompt_lengths=np.array(prompt_lengths, dtype=np.int64),
        kept=np.array(kept, dtype=np.int64),
        skipped_too_long=index - len(rows),
    )
