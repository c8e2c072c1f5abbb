"""Convert a checkpoint to CTranslate2's format and compare its logits with the model's own. Needs torch."""

from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import torch
from ctranslate2.converters import TransformersConverter
from ctranslate2.converters.transformers import M2M100Loader, MBartLoader, ModelLoader, OPTLoader, register_loader
from transformers import AutoModelForSeq2SeqLM

from dragoman.errors import first_line
from dragoman_jobs.engines.base import UnsupportedModelError
from dragoman_jobs.engines.tokenization import DecodingFacts
from dragoman_jobs.models.pretrained import load_config, load_model

CHECKED_TOKENS = 64
"""Length of the sequence on which the converted model is held against the original."""

TOLERANCE = 1e-3
"""Largest difference of their logits, relative to the original's: far above rounding, below an overlooked parameter."""

_EXACT = {"compute_type": "float32", "inter_threads": 1, "intra_threads": 1}


def write_ctranslate2(name: str, folder: Path, dtype: str, out: Path, quantization: str | None = None) -> None:
    """Write a model in CTranslate2's format.

    Args:
        name: the model's name in errors.
        folder: the model in Hugging Face's layout.
        dtype: the type its weights are loaded as; `auto` is the one they are stored in.
        out: the folder to write.
        quantization: the type they are written as; by default the one they were loaded as.

    Raises:
        UnsupportedModelError: CTranslate2 does not know the architecture.
    """
    try:
        _Converter(folder, dtype).convert(str(out), quantization=quantization)
    except (ValueError, NotImplementedError, RuntimeError, LookupError, AttributeError, TypeError) as error:
        # the converter was written for certain versions of certain models, and fails on others in many ways
        reason = first_line(error).partition(" (supported")[0]
        raise UnsupportedModelError(
            f"CTranslate2 can't convert {name} ({type(error).__name__}: {reason}): use the transformers engine."
        ) from error


@torch.inference_mode()
def check_ctranslate2(name: str, folder: Path, converted: Path, facts: DecodingFacts) -> None:
    """Hold the converted model's logits against those of the original, both computed in float32.

    The converter reads the parameters it knows; one that came with a later version of the architecture (a way of
    scaling rotary positions, say) it passes over in silence, and the text would only be somewhat worse.

    Args:
        name: the model's name in errors.
        folder: the original in Hugging Face's layout.
        converted: what `write_ctranslate2` wrote, not quantized.
        facts: what decoding knows of the model.

    Raises:
        UnsupportedModelError: the logits differ by more than `TOLERANCE`.
    """
    # one position is left for the end that scoring puts behind a translation
    rows = load_config(folder).get_text_config().vocab_size
    tokens = torch.linspace(0, rows - 1, min(CHECKED_TOKENS, (facts.positions or CHECKED_TOKENS + 1) - 1)).long()
    compare = _decoders if facts.languages is None else _encoder_decoders
    try:
        expected, found = compare(folder, converted, tokens)
    except ValueError as error:  # of models whose attention reaches back less far than these tokens
        raise UnsupportedModelError(
            f"CTranslate2 can't decode {name} ({first_line(error)}): use the transformers engine."
        ) from error
    difference = ((found - expected).norm() / (expected - expected.mean(-1, keepdim=True)).norm()).item()
    if not difference <= TOLERANCE:
        raise UnsupportedModelError(
            f"CTranslate2 computes other logits than {name} itself, by {difference:.1%}: use the transformers engine."
        )


def _decoders(folder: Path, converted: Path, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of the original and of the converted model; one is gone before the other is loaded."""
    expected = load_model(folder, torch.float32)(input_ids=tokens[None]).logits[0]
    generator = ctranslate2.Generator(str(converted), **_EXACT)
    return expected, torch.from_numpy(np.array(generator.forward_batch([tokens.tolist()])))[0, :, : expected.shape[1]]


def _encoder_decoders(folder: Path, converted: Path, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The same for log-probabilities of a translation, since CTranslate2 tells no logits of encoder-decoders."""
    model: Any = load_model(folder, torch.float32, AutoModelForSeq2SeqLM)
    tokens = tokens[tokens != model.config.pad_token_id]  # positions are counted without it
    begun = torch.tensor([model.config.decoder_start_token_id, *tokens[:-1].tolist()])
    logits = model(input_ids=tokens[None], decoder_input_ids=begun[None]).logits[0]
    expected = logits.log_softmax(-1).gather(1, tokens[:, None])[:, 0]
    del model
    words = [[str(token) for token in tokens.tolist()]]
    (scored,) = ctranslate2.Translator(str(converted), **_EXACT).score_batch(words, words)
    return expected, torch.tensor(scored.log_probs[: len(tokens)])


class _Converter(TransformersConverter):  # type: ignore[misc]
    """Loads safetensors only, and names tokens by their numbers."""

    def __init__(self, folder: Path, dtype: str) -> None:
        super().__init__(str(folder))
        self._dtype = dtype

    def load_model(self, model_class: Any, name: str, **options: Any) -> Any:
        options["dtype"] = self._dtype
        model: Any = load_model(Path(name), architecture=model_class, **options)
        self._rows = model.get_input_embeddings().weight.shape[0]
        return model

    def load_tokenizer(self, tokenizer_class: Any, name: str, **options: Any) -> "_Numbers":
        return _Numbers(self._rows)


class _Numbers:
    """Stands in for the tokenizer: a token's name is its number.

    Models often have a few more rows than their tokenizer has tokens, or fewer, and CTranslate2 wants a name for each.
    """

    bos_token = eos_token = unk_token = pad_token = "0"  # noqa: S105 (a name in a vocabulary)
    chat_template = None

    def __init__(self, size: int) -> None:
        self._size = size

    def get_vocab(self) -> dict[str, int]:
        return {str(number): number for number in range(self._size)}

    def convert_ids_to_tokens(self, number: int) -> str:
        return str(number)


@register_loader("OPTConfig")
class _OPTLoader(OPTLoader):  # type: ignore[misc]
    """OPT with as many tokens as it has: CTranslate2's own fills up to a multiple of 8, and fails on other sizes."""

    def get_vocabulary(self, model: Any, tokenizer: _Numbers) -> Any:
        return ModelLoader.get_vocabulary(self, model, tokenizer)


@register_loader("M2M100Config")
class _M2M100Loader(M2M100Loader):  # type: ignore[misc]
    """M2M-100 and NLLB with as many tokens as they have rows: CTranslate2's own makes up names for the rest."""

    def get_vocabulary(self, model: Any, tokenizer: _Numbers) -> Any:
        return ModelLoader.get_vocabulary(self, model, tokenizer)


@register_loader("MBartConfig")
class _MBartLoader(MBartLoader):  # type: ignore[misc]
    """mBART-50: what its configuration says, and what it no longer says because it is so in every mBART."""

    def get_model_spec(self, model: Any) -> Any:
        model.config.normalize_before = model.config.normalize_embedding = True
        return super().get_model_spec(model)

    def get_vocabulary(self, model: Any, tokenizer: _Numbers) -> Any:
        return ModelLoader.get_vocabulary(self, model, tokenizer)

    def set_config(self, config: Any, model: Any, tokenizer: _Numbers) -> None:
        super().set_config(config, model, tokenizer)
        config.decoder_start_token = str(model.config.decoder_start_token_id)
