"""The worker of unbabel-comet's models: regression, referenceless, unified (UniTE) and XCOMET with its error spans.

Values are those of `comet-score` with weights in float32. Where a model embeds a text alone, each text is embedded
once, also for later requests. Batches follow from the set of texts, so that a score does not depend on what was asked
before.
"""

import inspect
import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dragoman.environments.workers import checkpoints
from dragoman.environments.workers.batches import key
from dragoman.environments.workers.channel import Missing, Refusal
from dragoman.environments.workers.scoring_worker import ScoringWorker

_VERSION = 1
"""Raised when what is converted must be made anew."""

_FILES = ("checkpoints/*", "hparams.yaml", "*.json", "*.safetensors")

_REMEMBERED = 1 << 30
"""Bytes of embeddings that are kept."""

_ROWS = 4096
"""Sentences whose embeddings are compared at once."""


class Worker(ScoringWorker):
    """A model of COMET, once it is loaded."""

    name = "COMET"
    packages = ("unbabel-comet", *ScoringWorker.packages)

    def load(self, wanted: checkpoints.Wanted, own: Mapping[str, Any]) -> dict[str, Any]:
        """Load a checkpoint, of whichever class it says that it is."""
        from comet.models import ReferencelessRegression, RegressionMetric

        del own  # nothing
        folder, digest = _converted(wanted)
        self._model: Any = _model(folder).to(device=self._device, dtype=self._dtype).eval()
        self._embeds_alone = isinstance(self._model, RegressionMetric | ReferencelessRegression)
        self._known: OrderedDict[bytes, list[Any]] = OrderedDict()
        self._bytes = 0
        self._embed = self._model.get_sentence_embedding
        if self._embeds_alone:  # its `forward` is then given embeddings in the place of tokens
            self._model.get_sentence_embedding = lambda embedded, _: embedded
        return {
            "hash": digest,
            "class": type(self._model).__name__,
            "encoder": str(json.loads((folder / "hparams.json").read_text(encoding="utf-8"))["pretrained_model"]),
        }

    def score(
        self, *, sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str] | None
    ) -> Iterator[Any]:
        """The scores of triples, and the spans where the model marks errors."""
        import torch

        if references is None and self._model.requires_references():
            raise Refusal(f"This checkpoint ({type(self._model).__name__}) needs references: give some.")
        sides = {"src": sources, "mt": hypotheses, **({} if references is None else {"ref": references})}
        stripped = {name: [text.strip() for text in texts] for name, texts in sides.items()}
        with torch.inference_mode():
            if self._embeds_alone:
                yield from self._from_embeddings(stripped)
            else:
                yield from self._from_pairs(stripped, hypotheses)

    def _from_embeddings(self, sides: dict[str, list[str]]) -> Iterator[Any]:
        import torch

        needed = ("src", "mt", "ref") if self._model.requires_references() else ("src", "mt")
        embedded: dict[str, dict[str, Any]] = {}
        for name in needed:
            embedded[name] = {}
            for found in self._embedded(sorted(set(sides[name]))):
                embedded[name].update(found)
                yield {"embedded": len(embedded[name])}
        scores: list[float] = []
        for start in range(0, len(sides["mt"]), _ROWS):
            given: dict[str, Any] = {}
            for name in needed:
                rows = [embedded[name][text] for text in sides[name][start : start + _ROWS]]
                given[f"{name}_input_ids"] = torch.stack(rows).to(self._device)
                given[f"{name}_attention_mask"] = None
            scores += self._model(**given).score.float().tolist()
        yield {"scores": scores, "spans": None}

    def _embedded(self, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
        """The embeddings of different texts, batch by batch."""
        tokens = self._tokens(texts)
        for batch in self._batching.places_of_texts(texts, [len(each) for each in tokens]):
            own = [texts[place] for place in batch]
            name = key(own)
            if name not in self._known:
                self._remember(name, self._batching.compute(batch, lambda places: self._computed(tokens, places)))
            self._known.move_to_end(name)
            yield dict(zip(own, self._known[name], strict=True))

    def _computed(self, tokens: Sequence[list[int]], places: Sequence[int]) -> list[Any]:
        padded = self._model.encoder.tokenizer.pad(
            {"input_ids": [tokens[place] for place in places]}, return_tensors="pt"
        ).to(self._device)
        return list(self._embed(padded["input_ids"], padded["attention_mask"]).cpu())

    def _remember(self, name: bytes, rows: list[Any]) -> None:
        self._known[name] = rows
        self._bytes += sum(row.nbytes for row in rows)
        while self._bytes > _REMEMBERED and len(self._known) > 1:
            self._bytes -= sum(row.nbytes for row in self._known.popitem(last=False)[1])

    def _from_pairs(self, sides: dict[str, list[str]], hypotheses: Sequence[str]) -> Iterator[Any]:
        """Scores and spans of a model that reads hypothesis, source and reference together."""
        lengths = [0] * len(hypotheses)
        for texts in sides.values():
            different = list(dict.fromkeys(texts))
            counts = dict(zip(different, map(len, self._tokens(different)), strict=True))
            lengths = [length + counts[text] for length, text in zip(lengths, texts, strict=True)]
        samples = [dict(zip(sides, texts, strict=True)) for texts in zip(*sides.values(), strict=True)]
        found = yield from self._batching.computed(lengths, lambda places: self._predicted(samples, places))
        spans = [_spans(errors or (), text) for (_, errors), text in zip(found, hypotheses, strict=True)]
        marks = any(errors is not None for _, errors in found)
        yield {"scores": [score for score, _ in found], "spans": spans if marks else None}

    def _predicted(self, samples: Sequence[dict[str, str]], places: Sequence[int]) -> list[tuple[float, Any]]:
        inputs = tuple(
            {name: value.to(self._device) if hasattr(value, "to") else value for name, value in each.items()}
            for each in self._model.prepare_sample([samples[place] for place in places], stage="predict")
        )
        found = self._model.predict_step(inputs)
        scores = found["scores"].float().tolist()
        spans = found.get("metadata", {}).get("error_spans") or [None] * len(scores)
        return list(zip(scores, spans, strict=True))

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        encoder = self._model.encoder
        encoded = encoder.tokenizer(list(texts), truncation=True, max_length=encoder.max_positions - 2)
        tokens: list[list[int]] = encoded["input_ids"]
        return tokens


def _spans(errors: Sequence[dict[str, Any]], hypothesis: str) -> list[list[Any]]:
    """Errors as code points of a hypothesis, without white space at their ends; the model has read it stripped."""
    text = hypothesis.strip()
    shift = len(hypothesis) - len(hypothesis.lstrip())
    found = []
    for error in errors:
        marked = text[error["start"] : error["end"]]
        start = error["start"] + len(marked) - len(marked.lstrip())
        end = start + len(marked.strip())
        if start < end:  # what a model marks of its first token alone is no text
            found.append([start + shift, end + shift, error["severity"], error["confidence"]])
    return found


def _converted(wanted: checkpoints.Wanted) -> tuple[Path, str]:
    """The folder of a checkpoint in safetensors, and the hash of its weights."""
    place = checkpoints.located(wanted, _FILES)
    file, hparams = _found(place, wanted.checkpoint)
    if file.name == checkpoints.WEIGHTS:
        return file.parent, checkpoints.content_hash(file)
    digest = checkpoints.content_hash(file)

    def make(folder: Path) -> None:
        content = checkpoints.unpickled(file)
        state = content.get("state_dict")
        parameters = _parameters(content, hparams, file)
        if not isinstance(state, dict):
            raise Refusal(f"{file} is no checkpoint of COMET: it has no 'state_dict'.")
        checkpoints.write_weights(state, folder)
        _write_encoder(parameters, folder / "encoder")
        (folder / "hparams.json").write_text(json.dumps(parameters, indent=1), encoding="utf-8")

    return checkpoints.made_once(Path(wanted.cache) / f"comet-v{_VERSION}-{digest[:24]}", make), digest


def _found(place: Path, name: str) -> tuple[Path, Path | None]:
    """The file of the weights, and that of the hyperparameters."""
    if place.is_dir():
        files = (place / checkpoints.WEIGHTS, place / "checkpoints" / "model.ckpt", place / "model.ckpt")
        file = next((each for each in files if each.is_file()), None)
        if file is None or (file.name == checkpoints.WEIGHTS and not (place / "hparams.json").is_file()):
            raise Refusal(
                f"{name} is no checkpoint of COMET: it has no checkpoints/model.ckpt. Give the folder that has one, "
                "or the file itself."
            )
    else:
        file = place
    yaml = next((each for each in (file.parent.parent, file.parent) if (each / "hparams.yaml").is_file()), None)
    return file, yaml / "hparams.yaml" if yaml else None


def _parameters(content: dict[str, Any], hparams: Path | None, file: Path) -> dict[str, Any]:
    """The hyperparameters: those in the checkpoint; the file beside it names the class, and may correct the mixture."""
    import yaml

    beside = yaml.safe_load(hparams.read_text(encoding="utf-8")) if hparams else {}
    found = checkpoints.as_json({**beside, **(content.get("hyper_parameters") or {})})
    found["class_identifier"] = beside.get("class_identifier") or found.get("class_identifier")
    if not found["class_identifier"]:
        raise Refusal(
            f"{file} is no checkpoint of COMET: neither it nor an hparams.yaml beside it says of which class it is."
        )
    # a correction of Unbabel's (issues 195 and 244 of COMET): such models were trained with softmax
    if beside.get("layer_transformation") == "sparsemax_patch":
        found["layer_transformation"] = "softmax"
    return dict(found)


def _write_encoder(parameters: dict[str, Any], folder: Path) -> None:
    """Keep tokenizer and configuration of the encoder, so that nothing is fetched when the model is loaded."""
    from transformers import AutoConfig, AutoTokenizer

    name = parameters["pretrained_model"]
    try:
        AutoTokenizer.from_pretrained(name, trust_remote_code=False).save_pretrained(folder)
        AutoConfig.from_pretrained(name, trust_remote_code=False).save_pretrained(folder)
    except (OSError, ValueError) as error:
        said = str(error).strip().splitlines()[0]
        raise Missing(
            f"The tokenizer of the checkpoint's encoder, {name}, is not to be had ({said[:200]}): fetch it on a "
            "machine with a network, and give the hub's cache (HF_HOME)."
        ) from error


def _model(folder: Path) -> Any:
    """The model of a converted checkpoint.

    Raises:
        Refusal: its weights are not those of its class.
    """
    from comet.models import str2model
    from transformers import modeling_utils

    parameters = json.loads((folder / "hparams.json").read_text(encoding="utf-8"))
    kind = str2model.get(parameters.get("class_identifier"))
    if kind is None:
        raise Refusal(
            f"{folder} is of the class '{parameters.get('class_identifier')}', which unbabel-comet does not know."
        )
    taken = inspect.signature(kind.__init__).parameters
    given = {name: value for name, value in parameters.items() if name in taken}
    given |= {
        "pretrained_model": str(folder / "encoder"),
        "load_pretrained_weights": False,
        "local_files_only": True,
        "train_data": [],
        "validation_data": [],
    }
    state = checkpoints.read_weights(folder)
    without_values: Any = vars(modeling_utils)["no_init_weights"]  # that of the environment's version
    try:
        with without_values():
            model = kind(**{name: value for name, value in given.items() if name in taken})
        missing, _ = model.load_state_dict(state, strict=False)
    except RuntimeError as error:  # shapes that differ
        raise Refusal(f"The weights in {folder} are not those of a {kind.__name__} ({_line(error)}).") from error
    if lacking := [name for name in missing if name.startswith(("encoder.", "estimator.", "layerwise", "hidden2tag"))]:
        lacking = [name for name in lacking if not name.endswith(("position_ids", "dropout_mask", "dropout_fill"))]
        if lacking:
            raise Refusal(f"The weights in {folder} are not those of a {kind.__name__}: {lacking[0]} is missing.")
    return model


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1].strip()[:200]
