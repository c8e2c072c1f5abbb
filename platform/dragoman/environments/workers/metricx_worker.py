"""The worker of MetricX-24: mT5 whose first decoded step gives, at one token, the error score from 0 (best) to 25.

After the authors' `metricx24/models.py` and `predict.py` (google-research/metricx): the input is `source: ...
candidate: ... reference: ...`, without the last part where there is no reference, cut to 1536 tokens, without the end
of sentence; the decoder is given one token, and the logit of `<extra_id_10>` is clipped.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dragoman.environments.workers import checkpoints
from dragoman.environments.workers.channel import Missing, Refusal
from dragoman.environments.workers.scoring_worker import ScoringWorker

_VERSION = 1

_PICKLES = "pytorch_model*.bin"

_FILES = ("*.json", "*.safetensors", _PICKLES, "*.model")

_TOKEN = 250_089
"""`<extra_id_10>` in mT5's vocabulary."""

_LONGEST = 1536

_TOKENIZER_FILES = ("tokenizer.json", "spiece.model")


class Worker(ScoringWorker):
    """A model of MetricX, once it is loaded."""

    name = "MetricX"

    def load(self, wanted: checkpoints.Wanted, own: Mapping[str, Any]) -> dict[str, Any]:
        """Load a checkpoint; the `tokenizer` is told that is taken where it has none."""
        from transformers import AutoTokenizer, MT5Model

        place = checkpoints.located(wanted, _FILES)
        if not place.is_dir() or _config(place).get("model_type") != "mt5":
            raise Refusal(
                f"{wanted.checkpoint} is no checkpoint of MetricX: it is no folder whose config.json says mt5."
            )
        made = Path(wanted.cache) / f"metricx-v{_VERSION}"
        folder, digest = checkpoints.in_safetensors(place, pickles=_PICKLES, made=made)
        loaded: Any = MT5Model.from_pretrained(
            folder, dtype=self._dtype, use_safetensors=True, output_loading_info=True
        )
        model, loading = loaded
        if lacking := sorted(loading["missing_keys"]):
            raise Refusal(f"The weights of {wanted.checkpoint} are not those of MetricX: {lacking[0]} is missing.")
        head, is_scaled = _head(folder, wanted.checkpoint), bool(_config(place).get("tie_word_embeddings"))
        # the factor that mT5 has where head and embeddings are one, as they are not in what was published
        self._head = (head * model.config.d_model**-0.5 if is_scaled else head).to(self._device, model.dtype)
        self._model: Any = model.to(self._device).eval()
        has_one = any((place / name).exists() for name in _TOKENIZER_FILES)
        name = str(place) if has_one else str(own["tokenizer"])
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        except (OSError, ValueError) as error:
            raise Missing(
                f"The tokenizer {name} of {wanted.checkpoint} is not to be had ({str(error).splitlines()[0][:200]}): "
                "put it into the checkpoint's folder, or name another (`tokenizer`)."
            ) from error
        return {"hash": digest, "class": "MT5ForRegression"}

    def score(
        self, *, sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str] | None
    ) -> Iterator[Any]:
        """The scores of triples; without references they are estimates."""
        import torch

        texts = [f"source: {source} candidate: {hyp}" for source, hyp in zip(sources, hypotheses, strict=True)]
        if references is not None:
            texts = [f"{text} reference: {reference}" for text, reference in zip(texts, references, strict=True)]
        encoded = self._tokenizer(texts, max_length=_LONGEST, truncation=True)["input_ids"]
        tokens = [each[:-1] for each in encoded]  # without the end of sentence
        with torch.inference_mode():
            scores = yield from self._batching.computed(
                [len(each) for each in tokens], lambda places: self._predicted([tokens[place] for place in places])
            )
        yield {"scores": scores, "spans": None}

    def _predicted(self, tokens: Sequence[list[int]]) -> list[float]:
        import torch

        longest = max(map(len, tokens))
        pad = self._tokenizer.pad_token_id
        ids = torch.tensor([each + [pad] * (longest - len(each)) for each in tokens], device=self._device)
        mask = torch.tensor([[1] * len(each) + [0] * (longest - len(each)) for each in tokens], device=self._device)
        encoded = self._model.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        start = torch.zeros((len(tokens), 1), dtype=torch.long, device=self._device)
        state = self._model.decoder(
            input_ids=start, encoder_hidden_states=encoded, encoder_attention_mask=mask, use_cache=False
        ).last_hidden_state[:, 0]
        scores: list[float] = (state @ self._head).clamp(0, 25).float().tolist()
        return scores


def _config(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _head(folder: Path, name: str) -> Any:
    """The row of the output layer that is read, of 250,112; transformers 5 would tie that layer to the embeddings.

    Raises:
        Refusal: there is no such layer, or none of that size.
    """
    from safetensors import safe_open

    for file in sorted(folder.glob("model*.safetensors")):
        with safe_open(file, framework="pt") as opened:
            if "lm_head.weight" in opened.keys():  # noqa: SIM118 (it is no mapping)
                rows = opened.get_slice("lm_head.weight")
                if rows.get_shape()[0] > _TOKEN:
                    return rows[_TOKEN : _TOKEN + 1][0]
                raise Refusal(f"{name} is no checkpoint of MetricX: its vocabulary is not mT5's.")
    raise Refusal(f"{name} is no checkpoint of MetricX: it has no output layer ('lm_head.weight').")
