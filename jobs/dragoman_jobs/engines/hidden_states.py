"""Hidden states of sentences by layer, pooled over their tokens, as a model of `transformers` computes them."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from dragoman.settings import settings
from dragoman.store.alignment_records import Pooling
from dragoman_jobs.engines.base import SentenceStates
from dragoman_jobs.engines.tokenization import PromptTokenizer, batches, in_halves

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray


def sentence_states(
    model: Any, prompting: PromptTokenizer, device: str, language: str, *, texts: Sequence[str], pooling: Pooling
) -> Iterator[SentenceStates]:
    """The pooled states of every sentence that has tokens, batch by batch: no more than one batch is in memory.

    The head is left out: over a large vocabulary it would take longer than all layers.

    Args:
        model: the model, loaded.
        prompting: its tokenizer.
        device: where it is.
        language: the language of the sentences.
        texts: the sentences.
        pooling: how the states of a sentence's tokens are made one.
    """
    import torch

    body = model.get_encoder() if prompting.facts.languages is not None else model.base_model
    encoded = [prompting.sentence(language, text) for text in texts]

    def run(batch: list[int]) -> "list[NDArray[np.float32]]":
        ids = torch.tensor([encoded[place][0] for place in batch], device=device)
        weights = _weights([encoded[place][1] for place in batch], pooling)
        options = {} if prompting.facts.languages is not None else {"use_cache": False}
        with torch.inference_mode():
            found = body(input_ids=ids, attention_mask=torch.ones_like(ids), output_hidden_states=True, **options)
            # layers may lie on several GPUs
            pooled = [_pooled(states, weights) for states in found.hidden_states]
        return list(torch.stack(pooled, dim=1).numpy())

    with_tokens = [place for place, (_, is_own) in enumerate(encoded) if any(is_own)]
    for batch in batches([len(encoded[place][0]) for place in with_tokens], settings().batch_tokens, False):
        places = [with_tokens[each] for each in batch]
        for place, layers in zip(places, in_halves(places, run), strict=True):
            yield SentenceStates(place, layers)


def _weights(is_own: Sequence[Sequence[bool]], pooling: Pooling) -> "torch.Tensor":
    """The weight of each token of each sentence; they sum to 1, and special tokens have none."""
    import torch

    weights = torch.tensor(is_own, dtype=torch.float32)
    if pooling is Pooling.POSITION_WEIGHTED:
        weights = weights * weights.cumsum(dim=1)
    return weights / weights.sum(dim=1, keepdim=True)


def _pooled(states: "torch.Tensor", weights: "torch.Tensor") -> "torch.Tensor":
    import torch

    return torch.einsum("btd,bt->bd", states.float(), weights.to(states.device)).cpu()
