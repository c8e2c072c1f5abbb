"""The model that is trained: loaded from the base, given adapters, and saved."""

from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from dragoman.errors import ModelError, nearest
from dragoman.spec.method import Full, Lora


def load_tokenizer(base: str, revision: str | None) -> PreTrainedTokenizerBase:
    """The base model's tokenizer.

    Raises:
        ModelError: there is no such model, or it has no tokenizer.
    """
    _check_is_there(base, revision)
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            base, revision=revision, trust_remote_code=False
        )
    except Exception as error:  # the tokenizer classes raise whatever their files made them stumble over
        raise ModelError(
            f"The model {base} has no tokenizer that loads ({_first_line(error)}): save the model with its tokenizer."
        ) from error
    return tokenizer


def load_model(base: str, revision: str | None, device: torch.device) -> PreTrainedModel:
    """The base model in float32, from safetensors only.

    Raises:
        ModelError: there is no such model, it is no causal language model, or its weights are not in safetensors.
    """
    config = _check_is_there(base, revision)
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        raise ModelError(
            f"The model {base} is of type '{config.model_type}', which is no causal language model: "
            "finetuning continues a prompt, so choose a decoder such as XGLM, OPT, Llama, Qwen or Gemma."
        )
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            base,
            revision=revision,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except Exception as error:
        raise ModelError(
            f"The weights of {base} can't be loaded ({_first_line(error)}). Only safetensors are read: if it has "
            "others, load it where you trust them and save it again with save_pretrained."
        ) from error
    model: PreTrainedModel = loaded[0]
    if missing := sorted(loaded[1]["missing_keys"]):
        raise ModelError(
            f"The weights of {base} lack {len(missing)} of the model's tensors, such as {missing[0]}: "
            "they would be random; use a complete checkpoint of a causal language model."
        )
    model.to(device)  # type: ignore[arg-type]  # transformers' annotation of this method misleads
    return model


def add_lora(model: PreTrainedModel, method: Lora, base: str, revision: str | None) -> Any:
    """The model with low-rank adapters in place, wrapped by peft; the base's weights are frozen.

    Raises:
        ModelError: a module that is to be adapted is not in the model.
    """
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=method.rank,
        lora_alpha=method.alpha,  # type: ignore[arg-type]  # peft divides it by the rank: a float is as good
        lora_dropout=method.dropout,
        target_modules=method.modules if isinstance(method.modules, str) else list(method.modules),
        base_model_name_or_path=base,
        revision=revision,
    )
    linear = {name.rpartition(".")[2] for name, module in model.named_modules() if hasattr(module, "weight")}
    if not isinstance(method.modules, str):
        for module in method.modules:
            if not any(name == module or name.endswith(f".{module}") for name, _ in model.named_modules()):
                raise ModelError(f"The model {base} has no module '{module}' to adapt: {nearest(module, linear)}")
    try:
        return get_peft_model(model, config)
    except ValueError as error:
        raise ModelError(f"peft can't adapt {base} as asked ({_first_line(error)}): choose other modules.") from error


def save_model(model: Any, tokenizer: PreTrainedTokenizerBase, method: Full | Lora, folder: Path) -> None:
    """Write what was trained (the whole model, or the adapter that names its base) and the tokenizer."""
    if isinstance(method, Lora):
        # The embeddings are not adapted; left to itself peft asks the hub whether they were resized.
        model.save_pretrained(folder, save_embedding_layers=False)
    else:
        model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _check_is_there(base: str, revision: str | None) -> Any:
    try:
        return AutoConfig.from_pretrained(base, revision=revision, trust_remote_code=False)
    except Exception as error:
        version = f" at revision {revision}" if revision else ""
        raise ModelError(
            f"There is no model {base}{version} ({_first_line(error)}): give a folder with a config.json, "
            "or the name of a model on the Hugging Face hub that this machine can reach."
        ) from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".:")
