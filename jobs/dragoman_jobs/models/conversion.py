"""Conversions of checkpoints: XGLM to OPT, and a base model with an adapter to one model."""

import json
import math
import shutil
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dragoman.errors import ModelError, first_line
from dragoman_jobs.models.atomic_folder import make_once
from dragoman_jobs.models.checkpoint import Checkpoint
from dragoman_jobs.models.peft_import import import_peft
from dragoman_jobs.models.pretrained import INDEX, load_config, load_model, load_tokenizer, local_folder, weight_files

if TYPE_CHECKING:
    import torch


def xglm_to_opt(source: str | Path, out: Path, revision: str | None = None) -> Path:
    """Write an XGLM checkpoint as the OPT checkpoint that computes the same logits.

    Both are decoders with the norms before attention and feed-forward, biases everywhere and positions that start at
    row 2. What differs is where things are kept: XGLM scales its embedding by sqrt(d_model) and computes sinusoidal
    positions; OPT reads both from tables. So the scaled matrix becomes the embedding, the unscaled one an untied
    head, and the sinusoids a position table.

    Tensors keep the type they are stored in, except those that it could not hold exactly: the position table, and
    the scaled embedding where sqrt(d_model) is no power of two, are float32 in a checkpoint of half precision. One
    file of weights is in memory at a time.

    Args:
        source: a folder in Hugging Face's layout, or a name on the hub.
        out: the folder to write; it appears whole, by a rename.
        revision: commit on the hub.

    Raises:
        ModelError: the source is not there or is no XGLM, or something stands at `out` already.
    """
    folder = local_folder(str(source), revision)
    config = load_config(folder)
    if config.model_type != "xglm" or config.add_cross_attention:
        raise ModelError(
            f"The model {source} is of type '{config.model_type}', not a decoder of type 'xglm': "
            "only XGLM needs this conversion and only XGLM can have it."
        )
    _check_is_free(out)
    return make_once(out, lambda partial: _write_opt(folder, config, partial))


def merge_adapter(checkpoint: Checkpoint, out: Path) -> Path:
    """Write a base model with its adapter added to the weights, in the type the base is stored in.

    Args:
        checkpoint: the base and the adapter.
        out: the folder to write; it appears whole, by a rename.

    Raises:
        ModelError: base or adapter is not there, they don't fit each other, or something stands at `out` already.
    """
    if checkpoint.adapter is None:
        raise ModelError(f"The checkpoint {checkpoint.id} has no adapter to merge: give a folder that peft wrote.")
    adapter = checkpoint.adapter
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        if not (adapter / name).is_file():
            raise ModelError(f"The adapter {adapter} lacks {name}: give a folder that peft's `save_pretrained` wrote.")
    folder = local_folder(checkpoint.model, checkpoint.revision)
    _check_is_free(out)
    return make_once(out, lambda partial: _write_merged(folder, adapter, partial))


def _check_is_free(out: Path) -> None:
    if out.exists():
        raise ModelError(f"There is something at {out} already: remove it or give another folder.")


def _write_opt(folder: Path, config: Any, out: Path) -> None:
    import torch
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import save_file
    from transformers import OPTConfig, OPTForCausalLM

    opt = OPTConfig(
        architectures=["OPTForCausalLM"],
        dtype=config.dtype,
        vocab_size=config.vocab_size,
        hidden_size=config.d_model,
        word_embed_proj_dim=config.d_model,
        num_hidden_layers=config.num_layers,
        num_attention_heads=config.attention_heads,
        ffn_dim=config.ffn_dim,
        activation_function=config.activation_function,
        max_position_embeddings=config.max_position_embeddings,
        dropout=config.dropout,
        attention_dropout=config.attention_dropout,
        layerdrop=config.layerdrop,
        init_std=config.init_std,
        pad_token_id=config.pad_token_id,
        bos_token_id=config.bos_token_id,
        eos_token_id=config.eos_token_id,
        tie_word_embeddings=False,
    )
    with torch.device("meta"):
        expected = {name: tensor.shape for name, tensor in OPTForCausalLM(opt).state_dict().items()}
    written: dict[str, str] = {}
    size = 0
    for file in weight_files(folder):
        try:
            with safe_open(file, framework="pt") as tensors:
                converted = {
                    name: tensor.contiguous()
                    for key in tensors.keys()  # noqa: SIM118 (safe_open is no mapping)
                    for name, tensor in _as_opt(key.removeprefix("model."), tensors.get_tensor(key), config).items()
                }
        except (SafetensorError, OSError) as error:
            raise ModelError(f"The weights {file} are damaged ({first_line(error)}): copy them there anew.") from error
        for name, tensor in converted.items():
            if expected.pop(name, None) != tensor.shape:
                raise ModelError(f"The tensor {name} in {file} is not one of the model in config.json: mend the model.")
            size += tensor.nbytes
        save_file(converted, out / file.name, metadata={"format": "pt"})
        written |= dict.fromkeys(converted, file.name)
    if expected:
        raise ModelError(f"The weights in {folder} lack {min(expected)}: give a complete XGLM language model.")
    if (folder / INDEX).is_file():
        index = {"metadata": {"total_size": size}, "weight_map": dict(sorted(written.items()))}
        (out / INDEX).write_text(json.dumps(index, indent=2), encoding="utf-8")
    opt.save_pretrained(out)
    _copy_beside(folder, out)


def _as_opt(name: str, tensor: "torch.Tensor", config: Any) -> dict[str, "torch.Tensor"]:
    """OPT's tensors for one of XGLM's, named without the leading `model.`: none, one, or the embedding's three."""
    if name == "lm_head.weight":
        return {} if config.tie_word_embeddings else {name: tensor}
    if name == "embed_positions.weights":  # older versions stored the table that can be computed
        return {}
    if name == "embed_tokens.weight":
        head = {"lm_head.weight": tensor} if config.tie_word_embeddings else {}
        return {
            "model.decoder.embed_tokens.weight": _scaled(tensor, config),
            "model.decoder.embed_positions.weight": _positions(config),
            **head,
        }
    if name.startswith("layer_norm."):
        name = f"final_{name}"
    return {f"model.decoder.{name}": tensor}


def _scaled(embedding: "torch.Tensor", config: Any) -> "torch.Tensor":
    scaled = embedding.float() * (math.sqrt(config.d_model) if config.scale_embedding else 1.0)
    stored = scaled.to(embedding.dtype)
    return stored if stored.float().equal(scaled) else scaled


def _positions(config: Any) -> "torch.Tensor":
    from transformers.models.xglm.modeling_xglm import XGLMSinusoidalPositionalEmbedding

    # two more rows than positions: both architectures start at row 2
    rows = config.max_position_embeddings + 2
    table: torch.Tensor = XGLMSinusoidalPositionalEmbedding.get_embedding(rows, config.d_model, config.pad_token_id)
    return table.float()


def _write_merged(folder: Path, adapter: Path, out: Path) -> None:
    import torch

    peft = import_peft()
    from safetensors import SafetensorError

    model: Any = load_model(folder, "auto")
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    tied = head is not None and head.weight is embedding.weight
    if tied:
        # what the adapter adds to the embedding it does not add to the head, so they part while it is merged
        head.weight = torch.nn.Parameter(head.weight.detach().clone())
    try:
        with warnings.catch_warnings():
            # peft only warns of an adapter whose tensors are not found; the merged model would be the base
            warnings.filterwarnings("error", message="Found missing adapter keys")
            adapted = peft.PeftModel.from_pretrained(model, adapter)
        if not hasattr(adapted, "merge_and_unload"):
            raise ModelError(f"The adapter {adapter} can't be merged into weights: use LoRA or another that can.")
        merged = adapted.merge_and_unload(safe_merge=True)
    except (ValueError, RuntimeError, KeyError, TypeError, UserWarning, SafetensorError) as error:
        raise ModelError(
            f"The adapter {adapter} does not fit the model {folder} ({first_line(error)}): "
            "give the base model it was trained on."
        ) from error
    embedding, head = merged.get_input_embeddings(), merged.get_output_embeddings()
    if tied:
        alike = head.weight.equal(embedding.weight)
        if alike:
            head.weight = embedding.weight
        merged.config.tie_word_embeddings = alike  # it decides whether a head is written, and looked for
    merged.save_pretrained(out)
    _copy_beside(folder, out)


def _copy_beside(folder: Path, out: Path) -> None:
    """The tokenizer, and how the model's makers generate with it."""
    load_tokenizer(folder).save_pretrained(out)
    generation = folder / "generation_config.json"
    if generation.is_file():
        shutil.copyfile(generation, out / generation.name)
