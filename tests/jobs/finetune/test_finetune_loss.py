"""The head on label positions gives the loss and the gradients of the whole forward pass."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

from dragoman_jobs.finetune import loss as head_module
from dragoman_jobs.finetune.batching import Batch, collate
from dragoman_jobs.finetune.examples import TrainingExample, encode
from dragoman_jobs.finetune.loss import TargetLoss

SMALL = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
         "num_key_value_heads": 1, "head_dim": 16, "max_position_embeddings": 128}  # fmt: skip
PLAIN = {
    "xglm": {"d_model": 32, "ffn_dim": 48, "num_layers": 2, "attention_heads": 2},
    "opt": {"hidden_size": 32, "ffn_dim": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
            "word_embed_proj_dim": 16, "max_position_embeddings": 128},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 2},
    "gpt_neox": {key: value for key, value in SMALL.items() if key not in ("num_key_value_heads", "head_dim")},
    "bloom": {"hidden_size": 32, "n_layer": 2, "n_head": 2},
    "llama": SMALL,
    "mistral": SMALL,
    "qwen2": SMALL,
    "qwen3": SMALL,
    "gemma": SMALL,
}  # fmt: skip
MORE_THAN_A_HEAD = {
    "gemma2": {**SMALL, "final_logit_softcapping": 30.0},
    "cohere": {key: value for key, value in SMALL.items() if key != "head_dim"} | {"logit_scale": 0.0625},
    "granite": {key: value for key, value in SMALL.items() if key != "head_dim"} | {"logits_scaling": 4.0},
}


def random_model(kind: str, sizes: dict[str, object], vocabulary: int) -> PreTrainedModel:
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, vocab_size=vocabulary, bos_token_id=0, pad_token_id=1, eos_token_id=2, **sizes)
    model: PreTrainedModel = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    return model.eval()  # without dropout


@pytest.fixture(scope="module")
def batch(tokenizer: PreTrainedTokenizerFast, make_examples: Callable[[int], list[TrainingExample]]) -> Batch:
    return collate(encode(tokenizer, make_examples(9), 64), np.arange(9), padding=1)


def reference(model: PreTrainedModel, batch: Batch) -> tuple[float, dict[str, torch.Tensor]]:
    """Loss and gradients as transformers computes them from labels, -100 where there is none."""
    labels = torch.full(batch.input_ids.shape, -100).flatten()
    labels[batch.positions] = batch.labels  # `shift_labels` are aligned with the positions that predict them
    shifted = labels.view(batch.input_ids.shape)
    model.zero_grad()
    logits = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask, use_cache=False).logits
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), shifted.flatten(), ignore_index=-100)
    torch.autograd.backward(loss)
    return loss.item(), {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def check_equal(model: PreTrainedModel, batch: Batch, target_loss: TargetLoss) -> None:
    loss, gradients = reference(model, batch)
    model.zero_grad()
    assert target_loss.backward(batch) == pytest.approx(loss, rel=1e-6)
    found = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    assert found.keys() == gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-4, atol=1e-6, msg=name)


@pytest.mark.parametrize("kind", PLAIN)
def test_a_plain_head_is_computed_on_labels_only_and_loses_nothing(
    kind: str, batch: Batch, tokenizer: PreTrainedTokenizerFast
) -> None:
    model = random_model(kind, PLAIN[kind], len(tokenizer))
    target_loss = TargetLoss(model, batch, "float32")
    assert target_loss.is_on_labels_only
    rows: list[int] = []
    model.get_output_embeddings().register_forward_hook(lambda module, given, result: rows.append(len(given[0])))
    target_loss.backward(batch)
    assert rows == [len(batch.labels)]
    check_equal(model, batch, TargetLoss(model, batch, "float32"))


@pytest.mark.parametrize("kind", MORE_THAN_A_HEAD)
def test_a_model_that_does_more_than_a_head_goes_through_its_whole_forward(
    kind: str, batch: Batch, tokenizer: PreTrainedTokenizerFast
) -> None:
    model = random_model(kind, MORE_THAN_A_HEAD[kind], len(tokenizer))
    target_loss = TargetLoss(model, batch, "float32")
    assert not target_loss.is_on_labels_only
    check_equal(model, batch, target_loss)


def test_a_wide_head_goes_piece_by_piece_to_the_same_gradients(
    batch: Batch, tokenizer: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = random_model("xglm", PLAIN["xglm"], len(tokenizer))
    target_loss = TargetLoss(model, batch, "float32")
    monkeypatch.setattr(head_module, "_LOGITS_AT_ONCE", 5 * len(tokenizer))
    assert len(batch.labels) > 10
    check_equal(model, batch, target_loss)


def test_bfloat16_is_near_float32(batch: Batch, tokenizer: PreTrainedTokenizerFast) -> None:
    model = random_model("xglm", PLAIN["xglm"], len(tokenizer))
    exact = TargetLoss(model, batch, "float32").backward(batch)
    rounded = TargetLoss(model, batch, "bfloat16").backward(batch)
    assert rounded != exact
    assert rounded == pytest.approx(exact, rel=2e-2)
