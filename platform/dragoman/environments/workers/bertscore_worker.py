"""The worker of BERTScore: tokens of both sides are matched by their similarity in an encoder's layer.

After `bert_score` 0.3.13 without inverse document frequencies and without rescaling (Zhang et al., 2020): precision is
the mean over the hypothesis's tokens of their greatest cosine with a token of the reference, recall the other way
round, and the score their harmonic mean. Special tokens may be matched, but are not counted.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from dragoman.environments.workers import checkpoints
from dragoman.environments.workers.batches import Batching
from dragoman.environments.workers.channel import Refusal

_VERSION = 1

_FILES = ("*.json", "*.safetensors", "pytorch_model.bin", "*.model", "*.txt")


class Worker:
    """An encoder, once it is loaded."""

    packages = ("torch", "transformers", "safetensors")

    def answers(self, kind: str, body: dict[str, Any]) -> Iterator[Any]:
        """`load` an encoder, which answers its facts, then `score` pairs of hypothesis and reference."""
        if kind == "load":
            yield self._load(**body)
        elif kind == "score":
            yield from self._score(**body)
        else:
            raise Refusal(f"BERTScore's worker has no answer to '{kind}'.")

    def _load(
        self, *, wanted: dict[str, Any], device: str, precision: str, threads: int, batch_tokens: int, layer: int
    ) -> dict[str, Any]:
        import torch
        from transformers import AutoModel, AutoTokenizer

        torch.set_num_threads(threads)
        checkpoints.require_device(device)
        asked = checkpoints.Wanted(**wanted)
        place, revision = checkpoints.located(asked, _FILES)
        if not place.is_dir() or not (place / "config.json").is_file():
            raise Refusal(f"{asked.checkpoint} is no encoder: it is no folder with a config.json.")
        folder, digest = _converted(place, asked.cache)
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(place, trust_remote_code=False)
            model: Any = AutoModel.from_pretrained(
                folder, dtype=getattr(torch, precision), use_safetensors=True, trust_remote_code=False
            )
        except (OSError, ValueError, KeyError) as error:
            raise Refusal(
                f"{asked.checkpoint} can't be loaded as an encoder ({str(error).splitlines()[0][:200]})."
            ) from error
        if model.config.is_encoder_decoder:
            model = model.encoder
        if not 0 < layer <= model.config.num_hidden_layers:
            raise Refusal(
                f"{asked.checkpoint} has {model.config.num_hidden_layers} layers, and the layer {layer} was asked for: "
                "choose one of them (`layer`)."
            )
        self._model, self._layer = model.to(device).eval(), layer
        self._batching, self._device = Batching(batch_tokens), device
        return {"hash": digest, "revision": revision, "class": type(model).__name__, "needs_reference": True}

    def _score(
        self, *, sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str] | None
    ) -> Iterator[Any]:
        import torch

        del sources
        if references is None:
            raise Refusal("BERTScore compares with references: give some.")
        sides = [self._tokens(hypotheses), self._tokens(references)]
        lengths = [max(len(one), len(other)) for one, other in zip(*sides, strict=True)]
        scores, done = [0.0] * len(hypotheses), 0
        with torch.inference_mode():
            for batch in self._batching.places(lengths):
                found = self._batching.compute(batch, lambda places: self._matched(sides, places))
                for place, score in zip(batch, found, strict=True):
                    scores[place] = score
                done += len(batch)
                yield {"scored": done}
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


def _converted(place: Path, cache: str) -> tuple[Path, str]:
    """The folder of an encoder in safetensors, and the hash of its weights."""
    safe = sorted(place.glob("model*.safetensors"))
    if safe:
        hashes = [checkpoints.content_hash(each) for each in safe]
        return place, hashes[0] if len(hashes) == 1 else checkpoints.combined(hashes)
    file = place / "pytorch_model.bin"
    if not file.is_file():
        raise Refusal(f"{place} has no weights: neither model.safetensors nor pytorch_model.bin.")
    digest = checkpoints.content_hash(file)

    def make(folder: Path) -> None:
        checkpoints.write_weights(checkpoints.unpickled(file), folder)
        config = json.loads((place / "config.json").read_text(encoding="utf-8"))
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")

    return checkpoints.made_once(Path(cache) / f"bertscore-v{_VERSION}-{digest[:24]}", make), digest
