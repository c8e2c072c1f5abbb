"""The reference engine: the model as `transformers` runs it, whatever its architecture."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dragoman.errors import ModelError
from dragoman.identity import hash_lines
from dragoman.spec.decoding import Decoding
from dragoman_jobs.conversion import merge_adapter
from dragoman_jobs.engines.base import Checkpoint, Engine, Hypothesis, UnsupportedModelError
from dragoman_jobs.engines.prepared import Facts, Prompting, batches, decoder_config
from dragoman_jobs.folder import make_once
from dragoman_jobs.pretrained import first_line, load_model, load_tokenizer, local_folder

if TYPE_CHECKING:
    import torch

VERSION = 1
"""Raised when what is prepared must be made anew; part of the name in the cache."""

_MODEL = "model"


class TransformersEngine(Engine):
    """Any causal language model of `transformers`, in float32 on the CPU and half precision on a GPU.

    Only prompts of the same length share a batch: without padding there is nothing that a model's positions, masks
    or states could get wrong. Beam search ends when as many hypotheses as beams have ended (`early_stopping`).
    """

    @classmethod
    def prepare(cls, checkpoint: Checkpoint, decoding: Decoding, cache: Path) -> Path:
        """Merge the adapter if there is one; else keep only the tokenizer and the way to the weights.

        Raises:
            UnsupportedModelError: the decoding asks for int8, or the model is an encoder-decoder.
            ModelError: there is no such model, or it lacks a tokenizer.
        """
        if decoding.precision != "full":
            raise UnsupportedModelError(
                f"The transformers engine decodes in full precision, not in {decoding.precision}: leave precision out, "
                "or choose the ctranslate2 engine."
            )
        if checkpoint.adapter:
            return make_once(
                cache / checkpoint.id / f"transformers-v{VERSION}", lambda partial: _merge(checkpoint, partial)
            )
        # the folder points to the weights, so it belongs to the place where they lie
        folder = local_folder(checkpoint.model, checkpoint.revision).resolve()
        place = hash_lines([str(folder)])[:8]
        return make_once(
            cache / checkpoint.id / f"transformers-v{VERSION}-{place}",
            lambda partial: _write_facts(folder, partial, folder),
        )

    def __init__(self, prepared: Path, decoding: Decoding, device: str = "cpu") -> None:
        import torch
        from transformers import GenerationConfig

        torch.set_num_threads(1)
        self._prompting = Prompting(prepared, decoding.max_new_tokens)
        self._beam = decoding.beam
        self._device = device
        facts = self._prompting.facts
        model = load_model(facts.weights or prepared / _MODEL, _dtype(facts.dtype, device))
        search = {"num_beams": self._beam, "length_penalty": decoding.length_penalty, "early_stopping": True}
        # in place of what the model's makers recommend: sampling and penalties would come in unasked
        model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
            do_sample=False,
            max_new_tokens=decoding.max_new_tokens,
            eos_token_id=list(facts.stop) or None,
            pad_token_id=facts.stop[0] if facts.stop else 0,
            **(search if self._beam > 1 else {}),
        )
        try:
            self._model: Any = model.to(device)  # type: ignore[arg-type]
        except (RuntimeError, AssertionError) as error:
            raise ModelError(f"The model {prepared} can't be put on {device}: {first_line(error)}.") from error

    def translate(self, prompts: Sequence[str], batch_tokens: int = 4096) -> list[Hypothesis]:
        """The continuation of every prompt, in order."""
        import torch

        encoded = self._prompting.encode(prompts)
        hypotheses: dict[int, Hypothesis] = {}
        for batch in batches([len(ids) for ids in encoded], batch_tokens // self._beam, mixed=False):
            ids = torch.tensor([encoded[place] for place in batch], device=self._device)
            with torch.inference_mode():
                output = self._model.generate(ids, attention_mask=torch.ones_like(ids))
            for place, row in zip(batch, output[:, ids.shape[1] :].tolist(), strict=True):
                hypotheses[place] = self._prompting.hypothesis(row)
        return [hypotheses[place] for place in range(len(prompts))]


def _merge(checkpoint: Checkpoint, out: Path) -> None:
    folder = merge_adapter(checkpoint, out / _MODEL)
    _write_facts(folder, out, None)


def _write_facts(folder: Path, out: Path, weights: Path | None) -> None:
    tokenizer = load_tokenizer(folder)
    Facts.of(folder, decoder_config(folder), tokenizer, weights).write(out, folder, tokenizer)


def _dtype(stored: str, device: str) -> "torch.dtype":
    import torch

    if device == "cpu":
        return torch.float32
    if stored in ("float16", "bfloat16"):
        return torch.float16 if stored == "float16" else torch.bfloat16
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
