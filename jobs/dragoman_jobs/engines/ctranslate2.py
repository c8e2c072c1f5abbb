"""CTranslate2: the fastest engine on CPUs; loads in a moment, since it needs neither torch nor transformers."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ctranslate2

from dragoman.errors import ModelError, first_line
from dragoman.pair import Pair
from dragoman.settings import settings
from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines.base import Engine, Hypothesis, Request, UnsupportedModelError
from dragoman_jobs.engines.tokenization import DecodingFacts, PromptTokenizer, batches, in_halves, untranslatable
from dragoman_jobs.models.atomic_folder import make_once
from dragoman_jobs.models.checkpoint import Checkpoint
from dragoman_jobs.models.conversion import merge_adapter, xglm_to_opt
from dragoman_jobs.models.pretrained import load_config, load_tokenizer, local_folder

VERSION = 1
"""Raised when a model must be converted anew; part of the name in the cache."""

_MODEL = "model"


class CTranslate2Engine(Engine):
    """Models that CTranslate2 knows: decoders, XGLM by way of OPT, and encoder-decoders with language tokens.

    Beam search ends when as many hypotheses as beams have ended; the best by log-probability divided by
    length ** `length_penalty` is taken, its end token counted.
    """

    @classmethod
    def prepare(cls, checkpoint: Checkpoint, decoding: Decoding, cache: Path) -> Path:
        """Merge the adapter, turn XGLM into OPT, convert, and check the result's logits against the model's own.

        Raises:
            UnsupportedModelError: CTranslate2 does not know the architecture, or computes something else than it; or
                the decoding draws at random.
            ModelError: there is no such model, or it lacks a tokenizer.
        """
        if decoding.samples:
            # its generator of random numbers is seeded once for each thread, whatever is decoded on it
            raise UnsupportedModelError(
                "CTranslate2 draws for a whole batch from one stream of random numbers, so a sentence's translation "
                "would depend on its batch: use the transformers engine to sample, or leave temperature out."
            )
        folder = cache / checkpoint.id / f"ctranslate2-{decoding.precision}-v{VERSION}"
        return make_once(folder, lambda partial: _convert(checkpoint, decoding.precision, partial))

    @classmethod
    def is_batch_invariant(cls, decoding: Decoding, device: str) -> bool:
        """On a CPU, in float32 or int8; in half precision a product of matrices rounds by its number of rows."""
        return device == "cpu"

    @classmethod
    def untranslatable(cls, prepared: Path, pairs: Sequence[Pair]) -> dict[Pair, str]:
        """Those with a language that an encoder-decoder has no token for."""
        return untranslatable(prepared, pairs)

    def __init__(self, prepared: Path, decoding: Decoding, device: str = "cpu") -> None:
        self._prompting = PromptTokenizer(prepared, decoding)
        self._decoding = decoding
        compute_type = _compute_type(decoding.precision, self._prompting.facts.dtype, device)
        kind = ctranslate2.Translator if self._prompting.facts.languages else ctranslate2.Generator
        try:
            self._model = kind(
                str(prepared / _MODEL), device=device, compute_type=compute_type, inter_threads=1, intra_threads=1
            )
        except (RuntimeError, ValueError) as error:
            raise ModelError(
                f"CTranslate2 can't load {prepared} on {device} ({first_line(error)}): remove the folder to have it "
                "made again, or choose another device."
            ) from error

    def without_room(self, pair: Pair, sources: Sequence[str], prompts: Sequence[str]) -> list[str | None]:
        """Those that are longer, with what may be written, than the model has positions for."""
        return self._prompting.without_room(pair, sources, prompts)

    def translate(self, prompts: Sequence[str], batch_tokens: int | None = None) -> list[Hypothesis]:
        """The continuation of every prompt, in order."""
        return self._continue(prompts, [self._decoding.max_new_tokens] * len(prompts), batch_tokens)

    def _continue(
        self, prompts: Sequence[str], limits: Sequence[int], batch_tokens: int | None = None
    ) -> list[Hypothesis]:
        encoded = self._prompting.encode(prompts, limits)
        window = self._prompting.facts.window
        most = max((len(ids) + limit for ids, limit in zip(encoded, limits, strict=True)), default=0)
        if window is not None and most > window:
            raise ModelError(
                f"A prompt may become {most} tokens with its translation, and the model's attention reaches back "
                f"{window}, beyond which CTranslate2 computes something else: choose the transformers engine, show "
                "fewer examples or lower max_new_tokens."
            )
        beam, size = self._decoding.beam, batch_tokens or settings().batch_tokens
        hypotheses: dict[int, Hypothesis] = {}
        # In a batch of several lengths the longer prompts are forced through the search token by token. Beam search
        # then treats an end token in a prompt's first step differently, so the text would depend on the batch.
        for batch in batches([len(ids) for ids in encoded], size // beam, beam == 1, self._groups(limits)):
            results = in_halves(
                batch,
                lambda places: self._generate(
                    [encoded[place] for place in places], max(limits[place] for place in places)
                ),
            )
            for place, result in zip(batch, results, strict=True):
                hypotheses[place] = self._prompting.hypothesis(result.sequences_ids[0], limits[place])
        return [hypotheses[place] for place in range(len(prompts))]

    def _generate(self, prompts: Sequence[list[int]], limit: int) -> list[Any]:
        """Continue prompts as one batch; what they all begin with is read once, where it is most of them."""
        shared = _shared(prompts)
        if len(prompts) == 1 or 2 * shared < max(map(len, prompts)):
            shared = 0  # to begin anew after it costs more than it saves
        found: list[Any] = self._model.generate_batch(
            [[str(token) for token in prompt[shared:]] for prompt in prompts],
            static_prompt=[str(token) for token in prompts[0][:shared]] or None,
            cache_static_prompt=False,  # or what every cell shows would stay in memory
            max_length=limit,
            include_prompt_in_result=False,
            **self._search,
        )
        return found

    def translate_pair(self, pair: Pair, sources: Sequence[str], prompts: Sequence[str]) -> list[Hypothesis]:
        """What continues every prompt, or, by an encoder-decoder, the translation of every sentence."""
        return self.translate_requests([Request(pair, *each) for each in zip(sources, prompts, strict=True)])

    def translate_requests(self, requests: Sequence[Request]) -> list[Hypothesis]:
        """The same for sentences of several pairs, which share batches."""
        languages = self._prompting.facts.languages
        limits = self._prompting.limits([request.source for request in requests])
        if languages is None:
            return self._continue([request.prompt for request in requests], limits)
        encoded = self._prompting.encode_sentences(languages, requests)
        hypotheses: dict[int, Hypothesis] = {}
        size = settings().batch_tokens // self._decoding.beam
        for batch in batches([len(ids) for ids, _ in encoded], size, True, self._groups(limits)):
            results = in_halves(
                batch,
                lambda places: self._model.translate_batch(
                    [[str(token) for token in encoded[place][0]] for place in places],
                    target_prefix=[[str(encoded[place][1])] for place in places],
                    max_decoding_length=max(limits[place] for place in places) + 1,  # the language counts
                    min_decoding_length=2 if self._decoding.beam > 1 else 1,
                    **self._search,
                ),
            )
            for place, result in zip(batch, results, strict=True):
                ids = [int(token) for token in result.hypotheses[0][1:]]
                hypotheses[place] = self._prompting.hypothesis(ids, limits[place])
        return [hypotheses[place] for place in range(len(requests))]

    def _groups(self, limits: Sequence[int]) -> Sequence[int] | None:
        """Greedy text is cut where it must end; what beams find depends on how long they may become."""
        return limits if self._decoding.beam > 1 else None

    @property
    def _search(self) -> dict[str, Any]:
        return {
            "beam_size": self._decoding.beam,
            "length_penalty": self._decoding.length_penalty,
            "end_token": list(self._prompting.stop),
            "return_end_token": True,
        }


def _shared(prompts: Sequence[list[int]]) -> int:
    """With how many tokens all prompts begin, each of which keeps one of its own."""
    first, last = min(prompts), max(prompts)  # in the order of words, all others lie between them
    most = min(map(len, prompts)) - 1
    return next((place for place in range(most) if first[place] != last[place]), most)


def _compute_type(precision: str, dtype: str, device: str) -> str:
    if device == "cpu":
        return "int8_float32" if precision == "int8" else "float32"
    half = dtype if dtype in ("float16", "bfloat16") else "bfloat16"
    if half not in ctranslate2.get_supported_compute_types(device):
        half = "float16"
    return f"int8_{half}" if precision == "int8" else half


def _convert(checkpoint: Checkpoint, precision: str, out: Path) -> None:
    name, work, converted = checkpoint.model, out / "work", out / _MODEL
    original = local_folder(name, checkpoint.revision)
    config = load_config(original)
    if checkpoint.adapter:
        original = merge_adapter(checkpoint, work / "merged")
    tokenizer = load_tokenizer(original)
    facts = DecodingFacts.of(original, config, tokenizer)
    facts.write(out, original, tokenizer)
    quantization = "int8" if precision == "int8" else None
    if not (config.model_type == "xglm" and _is_written(original, converted, quantization)):
        _convert_and_check(name, original, work, converted, facts, quantization)
    shutil.rmtree(work, ignore_errors=True)


def _is_written(original: Path, converted: Path, quantization: str | None) -> bool:
    """Whether an XGLM could be written from its tensors, which needs no check."""
    from dragoman_jobs.engines.ctranslate2_xglm import write_xglm

    return write_xglm(original, load_config(original), converted, quantization)


def _convert_and_check(
    name: str, original: Path, work: Path, converted: Path, facts: DecodingFacts, quantization: str | None
) -> None:
    """Convert by CTranslate2's own converter, and hold the logits against the model's own."""
    from dragoman_jobs.engines.ctranslate2_convert import check_ctranslate2, write_ctranslate2

    folder, dtype = original, "auto"
    if load_config(original).model_type == "xglm":
        # float32, since its tables would be rounded in half precision
        folder, dtype = xglm_to_opt(original, work / "opt"), "float32"
    write_ctranslate2(name, folder, dtype, converted)
    check_ctranslate2(name, original, converted, facts)
    if quantization is not None:
        shutil.rmtree(converted)
        write_ctranslate2(name, folder, dtype, converted, quantization=quantization)
