"""XGLM checkpoints in CTranslate2's format, written from their tensors: no model of transformers' is made.

The files are to the byte those that CTranslate2's own converter makes of the checkpoint turned into OPT
(`models.conversion.xglm_to_opt`), as a test holds on random models. So the logits need not be computed a second time,
by transformers, to be compared.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from ctranslate2.specs import common_spec, transformer_spec
from safetensors import SafetensorError, safe_open
from torch import Tensor

from dragoman_jobs.models.pretrained import weight_files

_ACTIVATIONS = {"gelu": common_spec.Activation.GELU, "relu": common_spec.Activation.RELU}

_SHIFT = 2
"""Rows of the table of positions before the first one's, in XGLM."""


def write_xglm(folder: Path, config: Any, out: Path, quantization: str | None = None) -> bool:
    """Write an XGLM decoder in CTranslate2's format, in float32, with tokens named by their numbers.

    Args:
        folder: the model in Hugging Face's layout.
        config: its configuration.
        out: the folder to write.
        quantization: the type weights are written as; by default float32.

    Returns:
        Whether it was written: not where the checkpoint has other tensors than an XGLM decoder, or is damaged.
    """
    activation = _ACTIVATIONS.get(config.activation_function)
    if config.model_type != "xglm" or config.add_cross_attention or activation is None:
        return False
    tensors = _tensors(folder, config)
    if tensors is None:
        return False
    spec = transformer_spec.TransformerDecoderModelSpec.from_config(
        config.num_layers, config.attention_heads, pre_norm=True, activation=activation
    )
    _set_decoder(spec.decoder, tensors, config)
    spec.config.bos_token = spec.config.eos_token = spec.config.unk_token = "0"  # noqa: S105 (a name in a vocabulary)
    spec.register_vocabulary([str(number) for number in range(config.vocab_size)])
    spec.validate()
    spec.optimize(quantization=quantization)
    out.mkdir(parents=True)
    spec.save(str(out))
    return True


def _set_decoder(spec: Any, tensors: Mapping[str, Tensor], config: Any) -> None:
    embedding = tensors["embed_tokens.weight"]
    spec.scale_embeddings = False
    spec.embeddings.weight = embedding * (math.sqrt(config.d_model) if config.scale_embedding else 1.0)
    spec.position_encodings.encodings = _positions(config)[_SHIFT:]
    spec.projection.weight = embedding if config.tie_word_embeddings else tensors["lm_head.weight"]
    _set_norm(spec.layer_norm, tensors, "layer_norm")
    for number, layer in enumerate(spec.layer):
        own = f"layers.{number}"
        fused, attention = layer.self_attention.linear[0], f"{own}.self_attn"
        for part in ("weight", "bias"):
            parts = [tensors[f"{attention}.{side}_proj.{part}"] for side in "qkv"]
            setattr(fused, part, torch.cat(parts))
        _set_linear(layer.self_attention.linear[1], tensors, f"{attention}.out_proj")
        _set_norm(layer.self_attention.layer_norm, tensors, f"{own}.self_attn_layer_norm")
        _set_linear(layer.ffn.linear_0, tensors, f"{own}.fc1")
        _set_linear(layer.ffn.linear_1, tensors, f"{own}.fc2")
        _set_norm(layer.ffn.layer_norm, tensors, f"{own}.final_layer_norm")


def _set_linear(spec: Any, tensors: Mapping[str, Tensor], name: str) -> None:
    spec.weight, spec.bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]


def _set_norm(spec: Any, tensors: Mapping[str, Tensor], name: str) -> None:
    spec.gamma, spec.beta = tensors[f"{name}.weight"], tensors[f"{name}.bias"]


def _positions(config: Any) -> Tensor:
    """The sinusoids of Vaswani et al. (2017), sines before cosines, by the operations and in the order of XGLM's own.

    NumPy's sines differ from torch's in the last bit of some, so these are torch's.
    """
    rows, half = config.max_position_embeddings + _SHIFT, config.d_model // 2
    scale = math.log(10000) / (half - 1)
    frequencies = torch.exp(torch.arange(half, dtype=torch.int64).float() * -scale)
    angles = torch.arange(rows, dtype=torch.int64).float().unsqueeze(1) * frequencies.unsqueeze(0)
    table = torch.cat([torch.sin(angles), torch.cos(angles)], dim=1).view(rows, -1)
    if config.d_model % 2:
        table = torch.cat([table, torch.zeros(rows, 1)], dim=1)
    if config.pad_token_id is not None:
        table[config.pad_token_id] = 0
    return table


def _tensors(folder: Path, config: Any) -> dict[str, Tensor] | None:
    """The tensors of a decoder in float32; None where they are not exactly those that it has."""
    expected = _shapes(config)
    found: dict[str, Tensor] = {}
    for file in weight_files(folder):
        try:
            with safe_open(file, framework="pt") as tensors:
                for key in tensors.keys():  # noqa: SIM118 (safe_open is no mapping)
                    name = key.removeprefix("model.")
                    if name == "embed_positions.weights" or (name == "lm_head.weight" and config.tie_word_embeddings):
                        continue  # computed, or the embedding again
                    tensor = tensors.get_tensor(key)
                    if expected.get(name) != tensor.shape or not tensor.is_floating_point():
                        return None
                    found[name] = tensor.float()
        except (SafetensorError, OSError):
            return None
    return found if found.keys() == expected.keys() else None


def _shapes(config: Any) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor of a decoder, without the leading `model.`."""
    width, inner = config.d_model, config.ffn_dim
    shapes: dict[str, tuple[int, ...]] = {"embed_tokens.weight": (config.vocab_size, width)}
    if not config.tie_word_embeddings:
        shapes["lm_head.weight"] = (config.vocab_size, width)
    linear = {f"self_attn.{side}_proj": (width, width) for side in ("q", "k", "v", "out")}
    linear |= {"fc1": (inner, width), "fc2": (width, inner)}
    for number in range(config.num_layers):
        for name, shape in linear.items():
            shapes[f"layers.{number}.{name}.weight"], shapes[f"layers.{number}.{name}.bias"] = shape, shape[:1]
        for name in ("self_attn_layer_norm", "final_layer_norm"):
            shapes |= {f"layers.{number}.{name}.{part}": (width,) for part in ("weight", "bias")}
    return shapes | {f"layer_norm.{part}": (width,) for part in ("weight", "bias")}
