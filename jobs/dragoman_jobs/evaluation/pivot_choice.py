"""The choice of a pivot for each pair: the language by which a model translates the pair's dev sentences best."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from dragoman import plugins
from dragoman.corpora.factory import open_corpus
from dragoman.metrics.scoring import ScoreRecord, score
from dragoman.pair import Pair
from dragoman.planning.pivot_systems import candidates_of, legs
from dragoman.segment import Segment, Split
from dragoman.spec.corpus import CorpusChoice
from dragoman.spec.decoding import Decoding
from dragoman.spec.pivot_translation import PivotTranslation
from dragoman.spec.prompt import Prompt
from dragoman_jobs.engines.base import Engine, Hypothesis
from dragoman_jobs.engines.selection import choose_engine
from dragoman_jobs.evaluation.decoding_rounds import decode
from dragoman_jobs.evaluation.long_sentences import Translator
from dragoman_jobs.evaluation.pivot_translation import second_leg, through_leg
from dragoman_jobs.models.checkpoint import Checkpoint
from dragoman_jobs.prompts.rendering import Render, renderers


class Choice(NamedTuple):
    """What was found on dev for a pair."""

    pair: Pair
    """The pair."""
    pivot: str | None
    """The language that is best; None where the model can translate through none."""
    scores: dict[str, float]
    """The score by each candidate."""


class ChoiceTask(BaseModel):
    """The parameters of a choice."""

    model_config = ConfigDict(frozen=True)

    pivot: PivotTranslation
    """The system."""
    pairs: tuple[Pair, ...]
    """The pairs that a pivot is chosen for."""
    languages: tuple[str, ...]
    """The grid's languages: the candidates by default."""
    corpus: CorpusChoice
    """Where the dev sentences come from."""
    prompt: Prompt
    """What the model is asked with."""
    checkpoint: Checkpoint
    """The model."""
    engine: str
    """The engine that decodes it, or `auto`."""
    decoding: Decoding
    """How."""
    cache: Path
    """Where engines keep what they prepare."""
    gpus: float = 0
    """GPUs that the process holds."""


def choose_pivots(task: ChoiceTask) -> Iterator[Choice]:
    """Translate the dev sentences of each pair through each candidate, and yield what is best, pair by pair.

    The same task has the same answer; of equal scores the first candidate's wins.

    Raises:
        ModelError: the model can't be prepared or loaded, or a leg can't be translated.
        CorpusError: the dev text is damaged.
    """
    name, path = choose_engine(task.engine, task.checkpoint, task.decoding, task.cache, task.gpus)
    engine_class: type[Engine] = plugins.load("engines", name)
    candidates = {pair: candidates_of(task.pivot, pair, task.languages) for pair in task.pairs}
    needed = sorted({leg for pair, found in candidates.items() for pivot in found for leg in legs(pair, pivot)})
    refused = engine_class.untranslatable(path, needed)
    dev = _Dev(task, engine_class(path, task.decoding, "cuda" if task.gpus else "cpu"), needed)
    for pair in task.pairs:
        lines = dev.lines(pair)
        scores = {
            pivot: value
            for pivot in candidates[pair]
            if not refused.keys() & set(legs(pair, pivot))
            for value in [dev.score(pair, pivot, lines)]
            if value is not None
        }
        yield Choice(pair, max(scores, key=lambda pivot: scores[pivot], default=None), scores)


class _Dev:
    """The dev sentences, with what has been translated of them."""

    def __init__(self, task: ChoiceTask, engine: Engine, needed: Sequence[Pair]) -> None:
        self._task, self._engine = task, engine
        checkpoint = task.checkpoint
        self._render: dict[Pair, Render] = renderers(task.prompt, needed, checkpoint.model, checkpoint.revision)
        self._corpus = open_corpus(task.corpus.kind, task.corpus.placed)
        self._first: dict[tuple[Pair, tuple[str, ...]], list[Hypothesis]] = {}

    def lines(self, pair: Pair) -> list[Segment]:
        """The first dev sentences of a pair."""
        return list(islice(self._corpus.segments(pair, Split.DEV), self._task.pivot.sentences))

    def score(self, pair: Pair, pivot: str, lines: Sequence[Segment]) -> float | None:
        """The score of a pair's dev sentences through a language; None where the metric can't tell."""
        first, last = legs(pair, pivot)
        sources = tuple(line.source for line in lines)
        references = [line.target for line in lines]
        if (first, sources) not in self._first:
            self._first[first, sources] = decode(self._engine, through_leg(self._translator(first), sources))
        steps = second_leg(self._translator(last), self._first[first, sources], references)
        found = decode(self._engine, steps)
        texts = [each.text for each in found]
        (result,) = score((self._task.pivot.metric,), pair, self._task.languages, sources, texts, references)
        return result.value if isinstance(result, ScoreRecord) else None

    def _translator(self, pair: Pair) -> Translator:
        return Translator(self._engine, pair, self._render[pair], self._task.decoding.too_long or "empty")
