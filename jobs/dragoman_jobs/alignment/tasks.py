"""Tasks of the workers that look into models."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from dragoman.pair import Pair
from dragoman.segment import Segment
from dragoman.spec.prompt import Prompt
from dragoman.store.alignment_records import Aligned, Likely, Pooling
from dragoman_jobs.evaluation.worker import PreparedModel
from dragoman_jobs.models.checkpoint import Checkpoint


class RepresentationTask(BaseModel):
    """One language's test lines, to be represented by one model in one pass."""

    model_config = ConfigDict(frozen=True)

    model: PreparedModel
    """The model, prepared."""
    language: str
    """The language."""
    texts: tuple[str, ...]
    """The test lines."""
    content: str
    """Their hash."""
    layers: tuple[int, ...]
    """The layers to keep."""
    pooling: Pooling
    """How a sentence's tokens are made one vector."""
    cache: Path
    """Folder of what can be made again."""

    @property
    def key(self) -> str:
        """Its name."""
        return f"{self.model.model} {self.language}"

    @property
    def needs(self) -> str:
        """The model."""
        return self.model.model


class MeasurementTask(BaseModel):
    """One layer of one model, to be measured on some pairs of languages."""

    model_config = ConfigDict(frozen=True)

    model: str
    """Id of the model."""
    layer: int
    """The layer."""
    pooling: Pooling
    """How a sentence's tokens were made one vector."""
    pairs: tuple[Pair, ...]
    """The pairs, each for both directions."""
    contents: dict[str, str]
    """Hash of each language's test lines."""
    same: dict[str, tuple[int, ...]]
    """For each language and line a number, equal for equal texts."""
    cache: Path
    """Folder of what can be made again."""

    @property
    def key(self) -> str:
        """Its name."""
        return f"{self.model} {self.layer} {self.pairs[0]} {self.pairs[-1]}"

    @property
    def needs(self) -> str:
        """No model: only its representations."""
        return ""

    def aligned(self, pair: Pair) -> Aligned:
        """What is measured on a pair, one way."""
        return Aligned(
            model=self.model,
            pair=pair,
            content=(self.contents[pair.source], self.contents[pair.target]),
            layer=self.layer,
            pooling=self.pooling,
        )


class LikelihoodTask(BaseModel):
    """The references of one pair, whose likelihood after a prompt is to be computed."""

    model_config = ConfigDict(frozen=True)

    model: PreparedModel
    """The model, prepared."""
    of: Likely
    """What it is of."""
    prompt: Prompt
    """The prompt."""
    demonstrations: tuple[Segment, ...] = ()
    """What a few-shot prompt shows."""
    asked: Checkpoint | None = None
    """The model whose tokenizer has the chat template, where the prompt is a chat."""
    test: str
    """Blob address of the test lines."""

    @property
    def key(self) -> str:
        """Its name."""
        return self.of.id

    @property
    def needs(self) -> str:
        """The model."""
        return self.model.model


ProbingTask = RepresentationTask | MeasurementTask | LikelihoodTask
