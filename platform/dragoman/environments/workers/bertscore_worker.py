"""The worker of BERTScore: tokens of both sides are matched by their similarity in an encoder's layer.

After `bert_score` 0.3.13 without inverse document frequencies and without rescaling (Zhang et al., 2020): precision is
the mean over the hypothesis's tokens of their greatest cosine with a token of the reference, recall the other way
round, and the score their harmonic mean. Special tokens may be matched, but are not counted.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dragoman.environments.workers import checkpoints
from dragoman.environments.workers.channel import Refusal
from dragoman.environments.workers.scoring_worker import ScoringWorker

_VERSION = 1

_PICKLES = "pytorch_model.bin"

_FILES = ("*.json", "*.safetensors", _PICKLES, "*.model", "*.txt")


class Worker(ScoringWorker):
    """An encoder, once it is loaded."""

    name = "BERTScore"

    def load(self, wanted: checkpoints.Wanted, own: Mapping[str, Any]) -> dict[str, Any]:
        """Load an encoder; the `layer` is told."""
        from transformers import AutoModel, AutoTokenizer

        layer = int(own["layer"])
        place = checkpoints.located(wanted, _FILES)
        if not place.is_dir() or not (place / "config.json").is_file():
            raise Refusal(f"{wanted.checkpoint} is no encoder: it is no folder with a config.json.")
        made = Path(wanted.cache) / f"bertscore-v{_VERSION}"
        folder, digest = checkpoints.in_safetensors(place, pickles=_PICKLES, made=made)
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(place, trust_remote_code=False)
            model: Any = AutoModel.from_pretrained(
                folder, dtype=self._dtype, use_safetensors=True, trust_remote_code=False
            )
        except (OSError, ValueError, KeyError) as error:
            raise Refusal(
                f"{wanted.checkpoint} can't be loaded as an encoder ({str(error).splitlines()[0][:200]})."
            ) from error
        if model.config.is_encoder_decoder:
            model = model.encoder
        if not 0 < layer <= model.config.num_hidden_layers:
            raise Refusal(
                f"{wanted.checkpoint} has {model.config.num_hidden_layers} layers, and the layer {layer} was asked "
                "for: choose one of them (`layer`)."
            )
        self._model, self._layer = model.to(self._device).eval(), layer
        return {"hash": digest, "class": type(model).__name__}

    def score(
        self, *, sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str] | None
    ) -> Iterator[Any]:
        """The scores of pairs of hypothesis and reference."""
        import torch

        del sources
        if references is None:
            raise Refusal("BERTScore compares with references: give some.")
        sides = [self._tokens(hypotheses), self._tokens(references)]
        lengths = [max(len(one), len(other)) for one, other in zip(*sides, strict=True)]
        with torch.inference_mode():
            scores = yield from self._batching.computed(lengths, lambda places: self._matched(sides, places))
        yield {"scores": scores, "spans": None}

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        most = min(self._tokenizer.model_max_length, getattr(self._model.config, "max_position_embeddings", 512))
        found: list[list[int]] = self._tokenizer([text.strip() for text in texts], truncation=True, max_length=most)[
            "input_ids"
        ]
        return found

    def _matched(self, sides: Sequence[Sequence[list[int]]], places: Sequence[int]) -> list[float]:
        (states, mask, counted), (others, other_mask, other_counted) = (
            self._embedded([side[place] for place in places]) for side in sides
        )
        similar = states @ others.transpose(1, 2)
        similar = similar * (mask[:, :, None] * other_mask[:, None, :])
        precision = (similar.amax(2) * counted).sum(1) / counted.sum(1)
        recall = (similar.amax(1) * other_counted).sum(1) / other_counted.sum(1)
        scores: list[float] = (2 * precision * recall / (precision + recall)).nan_to_num(0.0).float().tolist()
        return scores

    def _embedded(self, tokens: Sequence[list[int]]) -> tuple[Any, Any, Any]:
        """Unit vectors of the tokens, which are there, and which count."""
        import torch

        padded = self._tokenizer.pad({"input_ids": list(tokens)}, return_tensors="pt").to(self._device)
        ids, mask = padded["input_ids"], padded["attention_mask"]
        states = self._model(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states[self._layer]
        ends = torch.tensor([self._tokenizer.cls_token_id, self._tokenizer.sep_token_id], device=self._device)
        counted = mask * ~torch.isin(ids, ends)
        return torch.nn.functional.normalize(states, dim=-1), mask.to(states.dtype), counted.to(states.dtype)
