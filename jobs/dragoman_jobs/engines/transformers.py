"""The reference engine: the model as `transformers` runs it, whatever its architecture."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dragoman.errors import ModelError, first_line
from dragoman.identity import hash_lines
from dragoman.pair import Pair
from dragoman.settings import settings
from dragoman.spec.decoding import Decoding
from dragoman.store.alignment_records import Pooling
from dragoman_jobs.engines.base import Engine, Hypothesis, Request, SentenceStates, UnsupportedModelError
from dragoman_jobs.engines.hidden_states import sentence_states
from dragoman_jobs.engines.reference_likelihood import log_probabilities
from dragoman_jobs.engines.sampling import samplers
from dragoman_jobs.engines.tokenization import DecodingFacts, PromptTokenizer, batches, in_halves, untranslatable
from dragoman_jobs.models.atomic_folder import make_once
from dragoman_jobs.models.checkpoint import Checkpoint
from dragoman_jobs.models.conversion import merge_adapter
from dragoman_jobs.models.pretrained import load_config, load_model, load_tokenizer, local_folder

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

VERSION = 1
"""Raised when what is prepared must be made anew; part of the name in the cache."""

_MODEL = "model"


class TransformersEngine(Engine):
    """Any causal language model of `transformers`, and encoder-decoders with language tokens.

    In float32 on the CPU and in half precision on a GPU.

    Only prompts of the same length share a batch: without padding there is nothing that a model's positions, masks
    or states could get wrong. Beam search ends when as many hypotheses as beams have ended (`early_stopping`).
    """

    @classmethod
    def check_gpus(cls, gpus: float) -> None:
        """Any number: the layers of a model are shared out among several."""

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
            lambda partial: _write_facts(folder, partial, checkpoint),
        )

    @classmethod
    def is_batch_invariant(cls, decoding: Decoding, device: str) -> bool:
        """On a CPU, in float32; what is drawn follows from a sentence's own prompt."""
        return device == "cpu"

    @classmethod
    def untranslatable(cls, prepared: Path, pairs: Sequence[Pair]) -> dict[Pair, str]:
        """Those with a language that an encoder-decoder has no token for."""
        return untranslatable(prepared, pairs)

    def __init__(self, prepared: Path, decoding: Decoding, device: str = "cpu") -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

        torch.set_num_threads(1)
        prompting = PromptTokenizer(prepared, decoding)
        facts = prompting.facts
        architecture = AutoModelForSeq2SeqLM if facts.languages else AutoModelForCausalLM
        # a worker sees only the GPUs it holds; accelerate gives each of several some of the layers
        shared = device == "cuda" and torch.cuda.device_count() > 1
        options = {"device_map": "auto"} if shared else {}
        model: Any = load_model(
            facts.weights_of(prepared), computing_dtype(facts.dtype, device), architecture, **options
        )
        try:
            self._take(model if shared else model.to(device), prompting, decoding, device)
        except (RuntimeError, AssertionError) as error:
            raise ModelError(f"The model {prepared} can't be put on {device}: {first_line(error)}.") from error

    @classmethod
    def around(cls, model: "PreTrainedModel", prepared: Path, decoding: Decoding, device: str) -> Self:
        """An engine around a model that is loaded already; its generation settings are replaced."""
        engine = cls.__new__(cls)
        engine._take(model, PromptTokenizer(prepared, decoding), decoding, device)
        return engine

    def _take(self, model: Any, prompting: PromptTokenizer, decoding: Decoding, device: str) -> None:
        from transformers import GenerationConfig

        facts = prompting.facts
        search = {"num_beams": decoding.beam, "length_penalty": decoding.length_penalty, "early_stopping": True}
        # in place of what the model's makers recommend: sampling and penalties would come in unasked
        model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
            do_sample=False,  # what is drawn is drawn by noise (`samplers`), sentence by sentence
            eos_token_id=list(prompting.stop) or None,
            pad_token_id=prompting.stop[0] if prompting.stop else 0,
            decoder_start_token_id=facts.languages.start if facts.languages else None,
            **(search if decoding.beam > 1 else {}),
        )
        self._model, self._prompting, self._decoding, self._device = model, prompting, decoding, device

    def without_room(self, pair: Pair, sources: Sequence[str], prompts: Sequence[str]) -> list[str | None]:
        """Those that are longer, with what may be written, than the model has positions for."""
        return self._prompting.without_room(pair, sources, prompts)

    def translate(self, prompts: Sequence[str], batch_tokens: int | None = None) -> list[Hypothesis]:
        """The continuation of every prompt, in order."""
        limits = [self._decoding.max_new_tokens] * len(prompts)
        return self._generate(self._prompting.encode(prompts, limits), limits, batch_tokens or settings().batch_tokens)

    def translate_pair(self, pair: Pair, sources: Sequence[str], prompts: Sequence[str]) -> list[Hypothesis]:
        """What continues every prompt, or, by an encoder-decoder, the translation of every sentence."""
        return self.translate_requests([Request(pair, *each) for each in zip(sources, prompts, strict=True)])

    def translate_requests(self, requests: Sequence[Request]) -> list[Hypothesis]:
        """The same for sentences of several pairs; an encoder-decoder's batch has one target language."""
        languages, size = self._prompting.facts.languages, settings().batch_tokens
        limits = self._prompting.limits([request.source for request in requests])
        if languages is None:
            return self._generate(
                self._prompting.encode([request.prompt for request in requests], limits), limits, size
            )
        encoded = self._prompting.encode_sentences(languages, requests)
        begun = [(languages.start, target) for _, target in encoded]
        return self._generate([ids for ids, _ in encoded], limits, size, begun)

    def sentence_states(self, language: str, texts: Sequence[str], pooling: Pooling) -> Iterator[SentenceStates]:
        """The hidden states of every sentence, pooled over its tokens; only sentences of one length share a batch."""
        return sentence_states(self._model, self._prompting, self._device, language, texts=texts, pooling=pooling)

    def log_probabilities(self, prompts: Sequence[str], references: Sequence[str]) -> list[list[float]]:
        """The log probability of each token of each reference behind its prompt.

        Raises:
            UnsupportedModelError: the model is an encoder-decoder, which takes no prompt.
        """
        if self._prompting.facts.languages is not None:
            raise UnsupportedModelError(
                "The model is an encoder-decoder, which is told the language by a token and takes no instruction."
            )
        return log_probabilities(self._model, self._prompting, self._device, prompts=prompts, references=references)

    def _generate(
        self,
        encoded: list[list[int]],
        limits: list[int],
        batch_tokens: int,
        begun: Sequence[tuple[int, int]] | None = None,
    ) -> list[Hypothesis]:
        """Decode in batches; `begun` is what an encoder-decoder starts with, and the language it is made to say first.

        Said, not given, the language counts among the tokens that a beam's score is divided by, as in CTranslate2.
        """
        import torch
        from transformers import LogitsProcessorList

        beam, said = self._decoding.beam, int(begun is not None)

        def generate(batch: list[int]) -> list[list[int]]:
            ids = torch.tensor([encoded[place] for place in batch], device=self._device)
            first: dict[str, Any] = {}
            if begun:
                start, language = begun[batch[0]]  # alike in the batch
                starts = torch.full((len(batch), 1), start, device=self._device)
                first = {"decoder_input_ids": starts, "forced_bos_token_id": language}
                # CTranslate2's beams take no end right behind the language they are given, so these don't either
                first |= {"min_new_tokens": 2} if beam > 1 else {}
            read = [[*encoded[place], *(begun[place] if begun else ())] for place in batch]
            with torch.inference_mode():
                output = self._model.generate(
                    ids,
                    attention_mask=torch.ones_like(ids),
                    max_new_tokens=max(limits[place] for place in batch) + said,
                    logits_processor=LogitsProcessorList(samplers(self._decoding, read)),
                    # each worker of a training decodes for itself: transformers would make them wait for each other
                    synced_gpus=False,
                    **first,
                )
            rows: list[list[int]] = output[:, 2 if begun else ids.shape[1] :].tolist()
            return rows

        hypotheses: dict[int, Hypothesis] = {}
        # greedy text is cut where it must end; what beams find depends on how long they may become
        kinds = [(limit if beam > 1 else 0, begun[place] if begun else ()) for place, limit in enumerate(limits)]
        numbers = {kind: number for number, kind in enumerate(dict.fromkeys(kinds))}
        groups = [numbers[kind] for kind in kinds]
        for batch in batches([len(ids) for ids in encoded], batch_tokens // beam, False, groups):
            for place, row in zip(batch, in_halves(batch, generate), strict=True):
                hypotheses[place] = self._prompting.hypothesis(row, limits[place])
        return [hypotheses[place] for place in range(len(encoded))]


def _merge(checkpoint: Checkpoint, out: Path) -> None:
    folder = merge_adapter(checkpoint, out / _MODEL)
    _write_facts(folder, out, None)


def _write_facts(folder: Path, out: Path, read_at: Checkpoint | None) -> None:
    tokenizer = load_tokenizer(folder)
    DecodingFacts.of(folder, load_config(folder), tokenizer, read_at).write(out, folder, tokenizer)


def computing_dtype(stored: str, device: str) -> "torch.dtype":
    """The type a model is computed in: float32 on the CPU, on a GPU the half precision it is stored in, or bfloat16."""
    import torch

    if device == "cpu":
        return torch.float32
    if stored in ("float16", "bfloat16"):
        return torch.float16 if stored == "float16" else torch.bfloat16
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
