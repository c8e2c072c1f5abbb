"""Log probabilities of given text behind prompts, as a causal model of `transformers` computes them."""

from collections.abc import Sequence
from typing import Any

from dragoman.settings import settings
from dragoman_jobs.engines.tokenization import PromptTokenizer, batches, in_halves

LOGITS_BYTES = 256 << 20
"""The most that the logits of a batch may take: a vocabulary has up to hundreds of thousands of entries."""


def log_probabilities(
    model: Any, prompting: PromptTokenizer, device: str, *, prompts: Sequence[str], references: Sequence[str]
) -> list[list[float]]:
    """The log probability (nats) of every token of every reference, in order; none of those that there is no room for.

    Only texts of one length share a batch, so nothing is padded.

    Args:
        model: the model, loaded.
        prompting: its tokenizer.
        device: where it is.
        prompts: the rendered prompts.
        references: what follows each.
    """
    import torch

    encoded = [prompting.continued(*each) for each in zip(prompts, references, strict=True)]
    most, vocabulary = prompting.facts.positions, model.get_output_embeddings().weight.shape[0]

    def run(batch: list[int]) -> list[list[float]]:
        ids = torch.tensor([[*encoded[place][0], *encoded[place][1]] for place in batch], device=device)
        rows = []
        with torch.inference_mode():
            logits = model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False).logits
            for row, place in enumerate(batch):
                begun = len(encoded[place][0])
                # each token is foretold by the one before it
                told = logits[row, begun - 1 : -1].float().log_softmax(dim=-1)
                rows.append(told.gather(1, ids[row, begun:, None].to(told.device))[:, 0].tolist())
        return rows

    lengths = [len(prompt) + len(reference) for prompt, reference in encoded]
    fitting = [
        place for place, length in enumerate(lengths) if all(encoded[place]) and (most is None or length <= most)
    ]
    found: list[list[float]] = [[] for _ in encoded]
    size = max(1, min(settings().batch_tokens, LOGITS_BYTES // (4 * vocabulary)))
    for batch in batches([lengths[place] for place in fitting], size, False):
        places = [fitting[each] for each in batch]
        for place, row in zip(places, in_halves(places, run), strict=True):
            found[place] = row
    return found
