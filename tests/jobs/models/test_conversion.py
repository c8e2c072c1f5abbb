import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from dragoman.errors import ModelError
from dragoman_jobs.models.checkpoint import Checkpoint
from dragoman_jobs.models.conversion import merge_adapter, xglm_to_opt

TOKENS = torch.arange(4, 100).reshape(4, 24)


def load(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


@torch.inference_mode()
def logits(model: Any) -> torch.Tensor:
    result: torch.Tensor = model(input_ids=TOKENS).logits
    return result


def assert_same_logits(one: Any, other: Any) -> None:
    expected = logits(one)
    assert (logits(other) - expected).abs().max() <= 1e-5 * max(1.0, expected.abs().max().item())


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"scale_embedding": False},
        {"tie_word_embeddings": False},
        {"activation_function": "relu", "d_model": 24, "attention_heads": 3},
    ],
    ids=str,
)
def test_the_opt_form_computes_the_same_logits_and_greedy_text(tmp_path: Path, write_model: Any, changes: Any) -> None:
    source = write_model(tmp_path / "xglm", "xglm", **changes)
    xglm, opt = load(source), load(xglm_to_opt(source, tmp_path / "opt"))
    assert opt.config.model_type == "opt"
    assert_same_logits(xglm, opt)
    options = {"max_new_tokens": 40, "do_sample": False, "attention_mask": torch.ones_like(TOKENS)}
    assert torch.equal(xglm.generate(TOKENS, **options), opt.generate(TOKENS, **options))


def test_logits_of_the_size_of_a_trained_models_agree_to_five_digits_after_the_point(
    tmp_path: Path, write_model: Any
) -> None:
    """To an absolute 1e-5; the other tests' models have larger logits, which float32 has no such digits for."""
    source = write_model(tmp_path / "xglm", "xglm")
    model = load(source)
    with torch.no_grad():
        model.get_input_embeddings().weight.mul_(10 / logits(model).abs().max())
    model.save_pretrained(source)
    expected = logits(load(source))
    assert 5 < expected.abs().max() < 32
    assert (logits(load(xglm_to_opt(source, tmp_path / "opt"))) - expected).abs().max() <= 1e-5


def test_no_position_but_the_first_would_do(tmp_path: Path, tiny_model: Callable[[str], Path]) -> None:
    """The comparison above sees positions: without them the logits are others."""
    opt = load(xglm_to_opt(tiny_model("xglm"), tmp_path / "opt"))
    expected = logits(opt)
    opt.model.decoder.embed_positions.weight.data[4:] = 0
    assert (logits(opt) - expected).abs().max() > 1


@pytest.mark.parametrize(("width", "heads", "embedding"), [(16, 2, torch.float16), (24, 3, torch.float32)])
def test_half_precision_is_kept_where_it_is_exact(
    tmp_path: Path, write_model: Any, width: int, heads: int, embedding: torch.dtype
) -> None:
    source = write_model(tmp_path / "xglm", "xglm", d_model=width, attention_heads=heads)
    AutoModelForCausalLM.from_pretrained(source, dtype=torch.float16).save_pretrained(source)
    out = xglm_to_opt(source, tmp_path / "opt")
    stored = load_file(out / "model.safetensors")
    assert stored["model.decoder.layers.0.fc1.weight"].dtype == torch.float16
    assert stored["lm_head.weight"].dtype == torch.float16
    assert stored["model.decoder.embed_tokens.weight"].dtype == embedding
    assert stored["model.decoder.embed_positions.weight"].dtype == torch.float32
    assert json.loads((out / "config.json").read_text())["dtype"] == "float16"
    assert_same_logits(load(source), load(out))


def test_weights_in_several_files_stay_in_several_files(tmp_path: Path, tiny_model: Callable[[str], Path]) -> None:
    model = load(tiny_model("xglm"))
    source = tmp_path / "xglm"
    model.save_pretrained(source, max_shard_size="30KB")
    AutoTokenizer.from_pretrained(tiny_model("xglm")).save_pretrained(source)
    shards = sorted(path.name for path in source.glob("*.safetensors"))
    assert len(shards) > 1
    out = xglm_to_opt(source, tmp_path / "opt")
    assert sorted(path.name for path in out.glob("*.safetensors")) == shards
    assert_same_logits(model, load(out))


def test_tokenizer_and_generation_settings_come_along(tmp_path: Path, tiny_model: Callable[[str], Path]) -> None:
    source = tmp_path / "xglm"
    shutil.copytree(tiny_model("xglm"), source)
    (source / "generation_config.json").write_text('{"eos_token_id": [2, 7]}')
    out = xglm_to_opt(source, tmp_path / "opt")
    before, after = AutoTokenizer.from_pretrained(source), AutoTokenizer.from_pretrained(out)
    assert after("Some text, 123.").input_ids == before("Some text, 123.").input_ids
    assert after.eos_token_id == before.eos_token_id
    assert json.loads((out / "generation_config.json").read_text()) == {"eos_token_id": [2, 7]}


def test_what_is_no_whole_xglm_is_refused(tmp_path: Path, tiny_model: Callable[[str], Path]) -> None:
    with pytest.raises(ModelError, match="of type 'llama', not a decoder of type 'xglm'"):
        xglm_to_opt(tiny_model("llama"), tmp_path / "out")
    with pytest.raises(ModelError, match=r"There is something at .* already"):
        xglm_to_opt(tiny_model("xglm"), tmp_path)
    source = tmp_path / "damaged"
    shutil.copytree(tiny_model("xglm"), source)
    tensors = load_file(source / "model.safetensors")
    bias = tensors.pop("model.layer_norm.bias")
    save_file(tensors, source / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"lack model\.decoder\.final_layer_norm\.bias"):
        xglm_to_opt(source, tmp_path / "out")
    save_file({**tensors, "model.layer_norm.bias": bias[1:]}, source / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"is not one of the model in config\.json"):
        xglm_to_opt(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("modules", [["q_proj", "v_proj", "fc1"], ["embed_tokens"]], ids=str)
def test_a_merged_adapter_computes_what_base_and_adapter_do(
    tmp_path: Path, tiny_model: Callable[[str], Path], write_adapter: Any, modules: list[str]
) -> None:
    """Adapters of the embedding too, which shares its matrix with the head, and the head is not adapted."""
    source = tiny_model("xglm")
    adapter = write_adapter(tmp_path / "adapter", source, modules)
    out = merge_adapter(Checkpoint(id="m", model=str(source), adapter=adapter), tmp_path / "merged")
    adapted = PeftModel.from_pretrained(load(source), adapter)
    assert (logits(adapted) - logits(load(source))).abs().max() > 1
    assert_same_logits(adapted, load(out))
    assert load(out).config.tie_word_embeddings == (modules != ["embed_tokens"])
    assert_same_logits(load(out), load(xglm_to_opt(out, tmp_path / "opt")))
    assert AutoTokenizer.from_pretrained(out)("abc").input_ids == AutoTokenizer.from_pretrained(source)("abc").input_ids


def test_an_adapter_that_does_not_fit_is_refused(
    tmp_path: Path, tiny_model: Callable[[str], Path], write_adapter: Any
) -> None:
    xglm = str(tiny_model("xglm"))
    with pytest.raises(ModelError, match="has no adapter to merge"):
        merge_adapter(Checkpoint(id="m", model=xglm), tmp_path / "out")
    with pytest.raises(ModelError, match=r"lacks adapter_config\.json"):
        merge_adapter(Checkpoint(id="m", model=xglm, adapter=tmp_path / "nowhere"), tmp_path / "out")
    # OPT's modules are named as XGLM's but stand elsewhere: peft would leave the base as it is
    adapter = write_adapter(tmp_path / "other", tiny_model("opt"), ["q_proj"])
    with pytest.raises(ModelError, match="give the base model it was trained on"):
        merge_adapter(Checkpoint(id="m", model=xglm, adapter=adapter), tmp_path / "out")
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")
    with pytest.raises(ModelError, match=r"lacks adapter_model\.safetensors"):
        merge_adapter(Checkpoint(id="m", model=xglm, adapter=adapter), tmp_path / "out")
    assert not (tmp_path / "out").exists()
