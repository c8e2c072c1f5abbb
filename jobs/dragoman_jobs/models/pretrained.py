"""Load pretrained causal language models in Hugging Face's layout, from safetensors only."""

from contextlib import suppress
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from dragoman.errors import ModelError, first_line
from dragoman.reading import over_limit, read_json, refused_as, require_file
from dragoman.settings import settings

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

WEIGHTS = "model.safetensors"
"""The one file of a small model's weights."""
INDEX = "model.safetensors.index.json"
"""What says which of several files holds which tensor of a large one."""

_TENSORS = "*.safetensors"
_VOCABULARY = ("tokenizer.json", "*.model", "*.spm", "*.tiktoken", "tekken.json", "vocab*")
"""One of these is in every folder that has a tokenizer."""
_WANTED = ["*.json", _TENSORS, "*.model", "*.txt", "*.jinja", "*.tiktoken"]
# some repositories hold the same weights a second time, in their makers' own layout
_UNWANTED = ["original/*", "consolidated*", "onnx/*"]


def local_folder(model: str, revision: str | None = None) -> Path:
    """The folder of a model: the one named, or the hub's, downloaded if it is not in the local cache.

    Raises:
        ModelError: there is no such model, or its weights are not in safetensors.
    """
    folder = Path(model)
    if not folder.is_dir():
        folder = _from_hub(model, revision)
    if not (folder / "config.json").is_file() and (folder / "adapter_config.json").is_file():
        raise ModelError(
            f"The folder {folder} holds a peft adapter and no model: merge it into its base and save that with "
            "`save_pretrained`."
        )
    if not (folder / "config.json").is_file():
        raise ModelError(
            f"The folder {folder} holds no model: it has no config.json. Give the folder that `save_pretrained` wrote."
        )
    if not (folder / WEIGHTS).is_file() and not (folder / INDEX).is_file():
        raise ModelError(
            f"The model {model} has no weights in safetensors, and no others are read, since pickled ones can run "
            "code: load it where you trust it and save it again with `save_pretrained`."
        )
    return folder


def tokenizer_folder(model: str, revision: str | None = None) -> Path:
    """The folder of a model's tokenizer and configuration: the one named, or the hub's, downloaded without the weights.

    Raises:
        ModelError: there is no such model.
    """
    folder = Path(model)
    return folder if folder.is_dir() else _from_hub(model, revision, [name for name in _WANTED if name != _TENSORS])


def require_tokenizer(model: str) -> None:
    """Make sure, before anything is done with a model, that its folder has a tokenizer; the hub's is not asked.

    Raises:
        ModelError: it has none.
    """
    folder = Path(model)
    if folder.is_dir() and not any(path for pattern in _VOCABULARY for path in folder.glob(pattern)):
        raise ModelError(_no_tokenizer(folder))


def weight_files(folder: Path) -> list[Path]:
    """The files that hold a model's tensors.

    Raises:
        ModelError: the index is damaged, or names a file that is not there.
    """
    if not (folder / INDEX).is_file():
        return [folder / WEIGHTS]
    try:
        with refused_as(ModelError):
            named = sorted(set(read_json(folder / INDEX)["weight_map"].values()))
        if outside := [name for name in named if PurePath(name).name != name]:
            raise ValueError(f"it names {outside[0]}, which is no file beside it")
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ModelError(f"{folder / INDEX} is damaged ({first_line(error)}): copy the model there anew.") from error
    for name in named:
        if not (folder / name).is_file():
            raise ModelError(f"The model {folder} lacks {name}, which its index names: copy the model there anew.")
    return [folder / name for name in named]


def load_config(folder: Path) -> "PreTrainedConfig":
    """The configuration of a model.

    Raises:
        ModelError: it is of a kind that `transformers` does not know, or knows only with the model's own code.
    """
    from transformers import AutoConfig

    _require_bounded(folder)
    try:
        config: PreTrainedConfig = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # every architecture checks its fields in its own way
        raise ModelError(
            f"The configuration of {folder} can't be read ({first_line(error)}): choose a model whose architecture "
            "is part of transformers; code that comes with a model is never run."
        ) from error
    return config


def load_model(folder: Path, dtype: "torch.dtype | str", architecture: Any = None, **options: Any) -> "PreTrainedModel":
    """The model, in evaluation mode, on the CPU.

    Args:
        folder: the model's folder (`local_folder`).
        dtype: the type its weights are loaded as; `auto` is the one they are stored in.
        architecture: the model's class; by default the one `AutoModelForCausalLM` finds.
        options: what else its `from_pretrained` shall be told.

    Raises:
        ModelError: it is no causal language model, or its weights are damaged or incomplete.
    """
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    _require_bounded(folder)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        loaded: Any = (architecture or AutoModelForCausalLM).from_pretrained(
            folder, dtype=dtype, use_safetensors=True, trust_remote_code=False, output_loading_info=True, **options
        )
    except Exception as error:  # safetensors, torch and transformers each have their own errors for damaged files
        raise ModelError(
            f"{folder} can't be loaded ({first_line(error)}): give a causal language model whose weights are whole."
        ) from error
    model: PreTrainedModel
    model, report = loaded
    if missing := sorted(report["missing_keys"]):
        raise ModelError(
            f"The weights in {folder} lack {len(missing)} of the model's tensors, such as {missing[0]}, which would be "
            "random: give a complete causal language model."
        )
    return model


def load_structure(folder: Path, dtype: "torch.dtype") -> "PreTrainedModel":
    """The model without its weights, in evaluation mode: parameters on the meta device, computed buffers on the CPU.

    Args:
        folder: the model's folder (`local_folder`).
        dtype: the type of its parameters.

    Raises:
        ModelError: it is no causal language model.
    """
    from accelerate.big_modeling import init_empty_weights
    from transformers import AutoModelForCausalLM, GenerationConfig

    config = load_config(folder)
    try:
        with init_empty_weights(include_buffers=False):
            made: Any = AutoModelForCausalLM
            model: PreTrainedModel = made.from_config(config, dtype=dtype, trust_remote_code=False)
    except Exception as error:  # of as many kinds as there are architectures
        raise ModelError(
            f"{folder} can't be loaded ({first_line(error)}): give a causal language model whose weights are whole."
        ) from error
    model.tie_weights()
    with suppress(OSError):  # without one, what the configuration says stays
        model.generation_config = GenerationConfig.from_pretrained(folder)
    model.train(False)
    return model


def load_tokenizer(folder: Path) -> "PreTrainedTokenizerBase":
    """The tokenizer of a model.

    Raises:
        ModelError: there is none, or none that loads.
    """
    from transformers import AutoTokenizer

    _require_bounded(folder)
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # every tokenizer class stumbles in its own way
        raise ModelError(
            f"The tokenizer of {folder} can't be loaded ({first_line(error)}): save the model with its tokenizer."
        ) from error
    # without any file transformers makes an empty tokenizer of the architecture's class
    if not any((folder / name).is_file() for name in tokenizer.vocab_files_names.values()):
        raise ModelError(_no_tokenizer(folder))
    return tokenizer


def _require_bounded(folder: Path) -> None:
    """Refuse a model whose files are none, or whose descriptions are larger or deeper than what is read.

    Raises:
        ModelError: it is one.
    """
    with refused_as(ModelError):
        for path in (path for pattern in _WANTED for path in folder.glob(pattern)):
            require_file(path)
            size = path.stat().st_size
            if path.suffix == _TENSORS[1:]:
                with path.open("rb") as file:
                    # the length of the header, of JSON (https://github.com/huggingface/safetensors#format)
                    size = int.from_bytes(file.read(8), "little")
            elif path.suffix not in (".json", ".jinja"):
                continue
            if size > settings().limit_file_bytes:
                what = f"{path} describes itself in more bytes than are read at once"
                raise over_limit(what, "limit_file_bytes", "copy the model there anew")
        for name in ("config.json", "generation_config.json", "adapter_config.json"):
            if (folder / name).is_file():
                with suppress(ValueError):  # told by what reads it
                    read_json(folder / name)


def _from_hub(model: str, revision: str | None, wanted: list[str] = _WANTED) -> Path:
    from huggingface_hub import snapshot_download

    options: dict[str, Any] = {"allow_patterns": wanted, "ignore_patterns": _UNWANTED}
    try:
        return Path(snapshot_download(model, revision=revision, **options))
    except (OSError, ValueError) as error:
        version = f" at revision {revision}" if revision else ""
        raise ModelError(
            f"There is no model {model}{version} ({first_line(error)}): give a folder with a config.json, "
            "or the name of a model on the Hugging Face hub that this machine can reach."
        ) from error


def _no_tokenizer(folder: Path) -> str:
    return f"The model {folder} has no tokenizer: save the one it was trained with into its folder."
