"""CTranslate2: the fastest engine on CPUs; loads in a moment, since it needs neither torch nor transformers."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import ctranslate2

from dragoman.errors import ModelError
from dragoman.spec.decoding import Decoding
from dragoman_jobs.conversion import merge_adapter, xglm_to_opt
from dragoman_jobs.engines.base import Checkpoint, Engine, Hypothesis
from dragoman_jobs.engines.prepared import Facts, Prompting, batches, decoder_config
from dragoman_jobs.folder import make_once
from dragoman_jobs.pretrained import first_line, load_tokenizer, local_folder

VERSION = 1
"""Raised when a model must be converted anew; part of the name in the cache."""

_MODEL = "model"


class CTranslate2Engine(Engine):
    """Decoder-only models that CTranslate2 knows, and XGLM by way of OPT.

    Beam search ends when as many hypotheses as beams have ended; the best by log-probability divided by
    length ** `length_penalty` is taken, its end token counted.
    """

    @classmethod
    def prepare(cls, checkpoint: Checkpoint, decoding: Decoding, cache: Path) -> Path:
        """Merge the adapter, turn XGLM into OPT, convert, and check the result's logits against the model's own.

        Raises:
            UnsupportedModelError: CTranslate2 does not know the architecture, or computes something else than it.
            ModelError: there is no such model, or it lacks a tokenizer.
        """
        folder = cache / checkpoint.id / f"ctranslate2-{decoding.precision}-v{VERSION}"
        return make_once(folder, lambda partial: _convert(checkpoint, decoding.precision, partial))

    def __init__(self, prepared: Path, decoding: Decoding, device: str = "cpu") -> None:
        self._prompting = Prompting(prepared, decoding.max_new_tokens)
        self._decoding = decoding
        compute_type = _compute_type(decoding.precision, self._prompting.facts.dtype, device)
        try:
            self._generator = ctranslate2.Generator(
                str(prepared / _MODEL), device=device, compute_type=compute_type, inter_threads=1, intra_threads=1
            )
        except (RuntimeError, ValueError) as error:
            raise ModelError(
                f"CTranslate2 can't load {prepared} on {device} ({first_line(error)}): remove the folder to have it "
                "made again, or choose another device."
            ) from error

    def translate(self, prompts: Sequence[str], batch_tokens: int = 4096) -> list[Hypothesis]:
        """The continuation of every prompt, in order."""
        encoded = self._prompting.encode(prompts)
        beam = self._decoding.beam
        hypotheses: dict[int, Hypothesis] = {}
        # In a batch of several lengths the longer prompts are forced through the search token by token. Beam search
        # then treats an end token in a prompt's first step differently, so the text would depend on the batch.
        for batch in batches([len(ids) for ids in encoded], batch_tokens // beam, mixed=beam == 1):
            results = self._generator.generate_batch(
                [[str(token) for token in encoded[place]] for place in batch],
                beam_size=beam,
                length_penalty=self._decoding.length_penalty,
                max_length=self._decoding.max_new_tokens,
                end_token=list(self._prompting.facts.stop),
                return_end_token=True,
                include_prompt_in_result=False,
            )
            for place, result in zip(batch, results, strict=True):
                hypotheses[place] = self._prompting.hypothesis(result.sequences_ids[0])
        return [hypotheses[place] for place in range(len(prompts))]


def _compute_type(precision: str, dtype: str, device: str) -> str:
    if device == "cpu":
        return "int8_float32" if precision == "int8" else "float32"
    half = dtype if dtype in ("float16", "bfloat16") else "bfloat16"
    if half not in ctranslate2.get_supported_compute_types(device):
        half = "float16"
    return f"int8_{half}" if precision == "int8" else half


def _convert(checkpoint: Checkpoint, precision: str, out: Path) -> None:
    from dragoman_jobs.engines.ctranslate2_conversion import check_ctranslate2, write_ctranslate2

    name, work, converted = checkpoint.model, out / "work", out / _MODEL
    original = local_folder(name, checkpoint.revision)
    config = decoder_config(original)
    if checkpoint.adapter:
        original = merge_adapter(checkpoint, work / "merged")
    folder, dtype = original, "auto"
    if config.model_type == "xglm":
        # float32, since its tables would be rounded in half precision
        folder, dtype = xglm_to_opt(original, work / "opt"), "float32"
    tokenizer = load_tokenizer(original)
    facts = Facts.of(original, config, tokenizer)
    facts.write(out, original, tokenizer)
    write_ctranslate2(name, folder, dtype, converted)
    check_ctranslate2(name, original, converted, facts.positions)
    if precision == "int8":
        shutil.rmtree(converted)
        write_ctranslate2(name, folder, dtype, converted, quantization="int8")
    shutil.rmtree(work, ignore_errors=True)
