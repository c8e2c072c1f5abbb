"""Select the best checkpoint by scores of its translations of the dev split, partition by partition."""

import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from dragoman.errors import ModelError
from dragoman.metrics.loaded_metric import LoadedMetric
from dragoman.metrics.lookup import installed_metric
from dragoman.metrics.scoring import ScoreRecord, score
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.planning.model_metrics import configured_metrics
from dragoman.settings import settings
from dragoman.spec.decoding import Decoding
from dragoman.spec.method import Selection
from dragoman.spec.metric import stored_name
from dragoman_jobs.engines.tokenization import DecodingFacts
from dragoman_jobs.engines.transformers import TransformersEngine
from dragoman_jobs.finetune import distributed
from dragoman_jobs.finetune.result import DevScore

if TYPE_CHECKING:
    import torch


class DevPair(NamedTuple):
    """A pair's lines of the dev split, rendered by the caller."""

    pair: Pair
    """The direction."""
    partition: Partition
    """How it stands to what is trained."""
    prompts: tuple[str, ...]
    """The prompts."""
    sources: tuple[str, ...]
    """The sentences in them."""
    references: tuple[str, ...]
    """Their translations."""


class DevSet:
    """The dev lines of a finetuning, and what they are scored by."""

    def __init__(
        self, pairs: Sequence[DevPair], selection: Selection, folder: Path, tokenizer: PreTrainedTokenizerBase
    ) -> None:
        """Take the lines, and the folder of the base, whose ends of a sentence hold for its finetunings.

        Raises:
            ModelError: there are no lines to choose by.
        """
        if not any(dev.prompts for dev in pairs):
            raise ModelError(
                "There is no line of the dev split to choose a checkpoint by: choose other pairs in method.selection, "
                "a corpus that has a dev split, or leave selection out."
            )
        self._pairs = [dev for dev in pairs if dev.prompts]
        self._selection = selection
        self._folder = folder
        self._tokenizer = tokenizer
        self._loaded: LoadedMetric | None = None

    @property
    def patience(self) -> int | None:
        """Looks without a better one after which training stops."""
        return self._selection.patience

    def look(self, model: PreTrainedModel, device: "torch.device", step: int) -> DevScore:
        """Translate every line greedily and score it, each worker some pairs; the model is left as it was.

        Raises:
            ModelError: the metric can't score a pair.
        """
        with distributed.agreed():
            mine = self._values(model, device)
        values = {index: value for part in distributed.everyones(mine) for index, value in part.items()}
        found: dict[Partition, list[float]] = defaultdict(list)
        for index, dev in enumerate(self._pairs):
            found[dev.partition].append(values[index])
        partitions = {str(partition): fmean(found[partition]) for partition in Partition if found[partition]}
        better = installed_metric(stored_name(self._selection.metric)).higher_is_better
        return DevScore(step, fmean(partitions.values()), partitions, better)

    def _values(self, model: PreTrainedModel, device: "torch.device") -> dict[int, float]:
        """The value of every pair that is this worker's."""
        decoding = Decoding(max_new_tokens=self._selection.max_new_tokens)
        before = model.generation_config, model.training
        model.train(False)
        values = {}
        with tempfile.TemporaryDirectory(prefix="dragoman-dev-") as name:
            DecodingFacts.of(self._folder, model.config, self._tokenizer).write(
                Path(name), self._folder, self._tokenizer
            )
            engine = TransformersEngine.around(model, Path(name), decoding, str(device))
            for index in range(distributed.number(), len(self._pairs), distributed.count()):
                dev = self._pairs[index]
                lacking = engine.without_room(dev.pair, dev.sources, dev.prompts)
                prompts = [prompt for prompt, reason in zip(dev.prompts, lacking, strict=True) if reason is None]
                found = iter(engine.translate(prompts) if prompts else [])
                # as in the evaluation, what has no room counts as an empty translation
                values[index] = self._value(dev, [next(found).text if reason is None else "" for reason in lacking])
        model.generation_config = before[0]
        model.train(before[1])
        return values

    def _value(self, dev: DevPair, texts: Sequence[str]) -> float:
        name = stored_name(self._selection.metric)
        if (model := self._model()) is not None:
            result = model.score(dev.pair, dev.sources, texts, dev.references)
        else:
            (result,) = score((name,), dev.pair, tuple(dev.pair), dev.sources, texts, dev.references)
        if not isinstance(result, ScoreRecord):
            raise ModelError(f"{name} can't score {dev.pair} ({result.reason}): choose other dev pairs.")
        return result.value

    def _model(self) -> LoadedMetric | None:
        """The model of the metric, loaded once, on the CPU: the device is the training's; None where it holds none."""
        if self._loaded is None:
            for metric in configured_metrics([self._selection.metric]):
                self._loaded = LoadedMetric(metric, home=settings().home.resolve())
        return self._loaded

    def close(self) -> None:
        """Give up the metric's model."""
        if self._loaded is not None:
            self._loaded.close()
            self._loaded = None


def is_over(dev: Sequence[DevScore], patience: int | None) -> bool:
    """Whether so many looks in a row found nothing better than before them."""
    return patience is not None and len(dev) - 1 - dev.index(best(dev)) >= patience


def best(dev: Sequence[DevScore]) -> DevScore:
    """The best look; the first of several as good."""
    return max(dev, key=lambda look: look.value if look.higher_is_better else -look.value)
