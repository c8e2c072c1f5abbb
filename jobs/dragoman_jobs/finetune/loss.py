"""The loss on the target side, with the model's head applied only where there is a label.

The head is the widest layer there is (XGLM's has 256,008 outputs), and on most positions, those of the prompt and
of padding, its output is thrown away.
"""

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from dragoman_jobs.finetune.batching import Batch

_LOGITS_AT_ONCE = 2**27
"""Logits computed in one go: half a GiB in float32. What is wider goes through the head piece by piece."""


class TargetLoss(nn.Module):
    """The mean cross-entropy per target token of a batch, and its gradients.

    A module around the model, so that what is sharded over several workers is gathered for body and head alike.

    Where a model does more than a linear head after its body (Gemma 2 caps its logits, Cohere scales them), the
    whole forward pass is taken. Whether it does is not looked up in a list but found out on a batch.
    """

    def __init__(self, model: PreTrainedModel, sample: Batch | None, precision: str) -> None:
        """Find out, on a (small) sample batch, how this model's logits come about.

        Args:
            model: a causal language model.
            sample: any batch, on the model's device; None where weights are yet to come, and `find_head` after them.
            precision: `float32` or `bfloat16`, the arithmetic of the forward and backward pass.
        """
        super().__init__()
        self._model = model
        self._head: nn.Module | None = None
        self._in_half = precision == "bfloat16"
        if sample is not None:
            self.find_head(sample)

    def find_head(self, sample: Batch) -> None:
        """Find out how this model's logits come about, on a sample batch as `__init__` takes it."""
        with torch.no_grad():
            self(sample, finds_head=True)

    @property
    def is_on_labels_only(self) -> bool:
        """Whether the head is computed only where there is a label."""
        return self._head is not None

    def backward(self, batch: Batch, labels: int | None = None) -> float:
        """Add the batch's gradients to the parameters' and return its loss in nats per target token.

        Args:
            batch: the rows.
            labels: target tokens the loss is a mean over; by default the batch's, more where it is a piece of a step.
                A piece may have none, and then adds zeros.
        """
        count = labels or len(batch.labels)
        states = self(batch)
        # The graph is cut before the head: of each piece only the gradient of its states outlives it, never its logits.
        leaf = states.detach().requires_grad_()
        loss = 0.0
        for part, expected in self._pieces(leaf, batch.labels):
            with self._arithmetic(part.device):
                logits = self._head(part) if self._head else part
            piece = cross_entropy(logits.float(), expected, reduction="sum") / count
            torch.autograd.backward(piece)
            loss += piece.item()
        if states.requires_grad:
            torch.autograd.backward(states, leaf.grad)
        return loss

    def forward(self, batch: Batch, finds_head: bool = False) -> torch.Tensor:
        """At each label's position, the body's last hidden state, or the logits where the head is not a plain one.

        Where it is to find the head it does only that: within a forward pass, so that shards are gathered for it.
        """
        if finds_head:
            self._head = plain_head(self._model, batch)
            return batch.positions
        rows = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask, "use_cache": False}
        with self._arithmetic(batch.input_ids.device):
            if self._head:
                outputs: torch.Tensor = self._model.base_model(**rows).last_hidden_state
            else:
                outputs = self._model(**rows).logits
        return outputs.flatten(0, 1)[batch.positions]

    def _arithmetic(self, device: torch.device) -> torch.autocast:
        return torch.autocast(device.type, torch.bfloat16, enabled=self._in_half)

    def _pieces(self, states: torch.Tensor, labels: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
        rows = max(1, _LOGITS_AT_ONCE // self._model.config.get_text_config().vocab_size)
        # one piece at least: the head has to get a gradient, if of zeros, on every worker
        starts = range(0, max(1, len(labels)), rows)
        return [(states[start : start + rows], labels[start : start + rows]) for start in starts]


@torch.no_grad()
def plain_head(model: PreTrainedModel, sample: Batch) -> nn.Module | None:
    """The model's head, if its logits are that of the body's last hidden states and nothing more; else None."""
    head, body = model.get_output_embeddings(), model.base_model  # type: ignore[no-untyped-call]
    if not isinstance(head, nn.Module) or body is model:
        return None
    calls: list[tuple[torch.Tensor, torch.Tensor]] = []
    hook = head.register_forward_hook(lambda module, given, result: calls.append((given[0], result)))
    training = model.training
    model.train(False)
    try:
        logits = model(input_ids=sample.input_ids, attention_mask=sample.attention_mask, use_cache=False).logits
        hidden = body(input_ids=sample.input_ids, attention_mask=sample.attention_mask, use_cache=False)
    finally:
        hook.remove()
        model.train(training)
    if len(calls) != 1 or getattr(hidden, "last_hidden_state", None) is None:
        return None
    read, written = calls[0]
    same_states = read.shape == hidden.last_hidden_state.shape and torch.allclose(read, hidden.last_hidden_state, 1e-5)
    # Bit for bit: a cap on logits hardly shows as long as they are small, and training makes them large.
    return head if same_states and torch.equal(written, logits) else None
