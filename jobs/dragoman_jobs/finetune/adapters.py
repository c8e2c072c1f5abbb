"""LoRA adapters by peft, and which weights of a model are saved."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from dragoman.errors import ModelError, first_line, nearest
from dragoman.spec.method import Full, Lora
from dragoman_jobs.finetune import distributed
from dragoman_jobs.finetune.sharding import whole_weights
from dragoman_jobs.models.peft_import import import_peft


def add_lora(model: PreTrainedModel, method: Lora, base: str, revision: str | None) -> Any:
    """Put adapters into the model and freeze everything else; returns peft's wrapper, which saves them.

    Raises:
        ModelError: a module that is to be adapted is not in the model.
    """
    if not isinstance(method.modules, str):
        _check_modules(model, method.modules, base)
    peft = import_peft()
    config = peft.LoraConfig(
        task_type="CAUSAL_LM",
        r=method.rank,
        lora_alpha=method.alpha,  # peft divides it by the rank: a float is as good
        lora_dropout=method.dropout,
        use_dora=method.dora,
        target_modules=method.modules if isinstance(method.modules, str) else list(method.modules),
        base_model_name_or_path=base,
        revision=revision,
    )
    try:
        return peft.get_peft_model(model, config)
    except ValueError as error:
        raise ModelError(f"peft can't adapt {base} as asked ({first_line(error)}): choose other modules.") from error


def quantization(method: Full | Lora, device: torch.device) -> dict[str, Any]:
    """What `load_model` is told for a base in 4 bits; nothing for one that is not.

    Raises:
        ModelError: bitsandbytes is not installed.
    """
    if not isinstance(method, Lora) or method.quantized is None:
        return {}
    if find_spec("bitsandbytes") is None:
        raise ModelError(
            "QLoRA (method.quantized) needs the package bitsandbytes, which is not installed here: `pip install "
            "'dragoman[qlora]'` where models are trained, or leave `quantized` out."
        )
    from transformers import BitsAndBytesConfig

    import_peft()  # before the model is loaded, which imports bitsandbytes too
    config = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type=method.quantized,
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    return {"quantization_config": config, "device_map": {"": device}}


def keep_weights_unpacked(model: PreTrainedModel) -> None:
    """Have bitsandbytes compute with 4-bit weights as they were made, in evaluation as in training.

    On processors with AVX512-BF16 it packs them anew when it first evaluates (`Linear4bit.forward`, version 0.50): that
    rounds their scales, refuses widths that are no multiple of its blocks, and stays when training goes on.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False  # type: ignore[assignment]


def save_trained(model: Any, tokenizer: PreTrainedTokenizerBase, method: Full | Lora, folder: Path) -> None:
    """Write what was trained (the whole model, or the adapter, which names its base) and the tokenizer.

    Of several workers, which have to come together for it, the first one writes.
    """
    if isinstance(method, Full):
        weights = whole_weights(model)
        if distributed.is_first():
            model.save_pretrained(folder, state_dict=weights)
    elif distributed.is_first():
        # The embeddings are not adapted; left to itself peft asks the hub whether they were resized.
        model.save_pretrained(folder, save_embedding_layers=False)
    if distributed.is_first():
        tokenizer.save_pretrained(folder)


def _check_modules(model: PreTrainedModel, modules: tuple[str, ...], base: str) -> None:
    names = [name for name, _ in model.named_modules()]
    for module in modules:
        if not any(name == module or name.endswith(f".{module}") for name in names):
            with_weights = {name.rpartition(".")[2] for name, part in model.named_modules() if hasattr(part, "weight")}
            raise ModelError(f"The model {base} has no module '{module}' to adapt: {nearest(module, with_weights)}")
