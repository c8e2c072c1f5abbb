"""An evaluation worker: keeps a model loaded, translates and scores one cell after another. It knows no Ray."""

import os
import socket
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict

from dragoman import plugins
from dragoman.cell import Unscorable
from dragoman.errors import DragomanError
from dragoman.line import of_whole_characters
from dragoman.metrics.generation import Generation
from dragoman.metrics.scoring import ScoreRecord, score
from dragoman.pair import Pair
from dragoman.planning.pivot_systems import legs
from dragoman.segment import Segment
from dragoman.spec.decoding import Decoding
from dragoman.spec.prompt import Prompt
from dragoman.store.blobs import TOO_LONG, Bitext, BlobStore
from dragoman.store.records import CellOutcome, StoredScore, Translation
from dragoman_jobs.engines.base import Engine, Hypothesis
from dragoman_jobs.evaluation.long_sentences import Translator
from dragoman_jobs.evaluation.pivot_translation import SecondLeg, second_leg, through_leg
from dragoman_jobs.models.checkpoint import Checkpoint
from dragoman_jobs.prompts.rendering import ChatTemplate, renderer


class PreparedModel(BaseModel):
    """A model in the form an engine loads."""

    model_config = ConfigDict(frozen=True)

    model: str
    """Id of the model."""
    engine: str
    """Name of the engine."""
    path: Path
    """What the engine loads."""


class Loading(NamedTuple):
    """A model as a worker has it loaded."""

    model: PreparedModel
    """The model."""
    decoding: Decoding
    """How it decodes."""

    @classmethod
    def of(cls, model: PreparedModel, decoding: Decoding) -> Self:
        """A model for all cells that are decoded alike, whatever becomes of sentences that it has no room for."""
        return cls(model, decoding.model_copy(update={"too_long": None}))


class CellTask(BaseModel):
    """One cell to translate and score, with all that a worker needs for it."""

    model_config = ConfigDict(frozen=True)

    cell: str
    """Id of the cell."""
    pair: Pair
    """The direction."""
    model: PreparedModel
    """The model, prepared."""
    decoding: Decoding
    """How to decode."""
    prompt: Prompt
    """The prompt."""
    demonstrations: tuple[Segment, ...] = ()
    """What a few-shot prompt shows."""
    asked: Checkpoint | None = None
    """The model whose tokenizer has the chat template, where the prompt is a chat."""
    test: str
    """Blob address of the test lines."""
    languages: tuple[str, ...]
    """The grid's languages: the candidates of language identification."""
    metrics: tuple[str, ...]
    """Names of the metrics that hold no model."""
    size: int = 0
    """Characters to translate: how long it will take, against other cells."""
    second: SecondLeg | None = None
    """The way through a third language, where the cell is not translated directly."""
    then: Loading | None = None
    """What the worker will need next, where this is its last cell of its model."""

    @property
    def loading(self) -> Loading:
        """What the worker has to have loaded."""
        return Loading.of(self.model, self.decoding)


class Worker:
    """Translates and scores cells; keeps the last model loaded, so that cells of one model load it once."""

    def __init__(self, blobs: str, device: str = "cpu", needed: Sequence[tuple[str, str]] = ()) -> None:
        """Load nothing yet.

        Args:
            blobs: URL of the blob store.
            device: `cpu` or `cuda`.
            needed: groups and names of the plugins that cells will need.
        """
        self._needed = needed
        self._blobs = BlobStore(blobs)
        self._device = device
        self._loaded: Loading | None = None
        self._engine: Engine | None = None
        self._chat: tuple[Checkpoint, ChatTemplate] | None = None
        self._name = f"{socket.gethostname()}-{os.getpid()}"
        self._next: tuple[Loading, Future[Engine]] | None = None
        self._first_leg: tuple[tuple[Any, ...], list[Hypothesis]] | None = None

    def ready(self) -> int:
        """Say that the worker is there, with its plugins imported; returns its process id."""
        for group, name in self._needed:
            with suppress(Exception):  # what can't be loaded is said where a cell needs it
                plugins.load(group, name)
        return os.getpid()

    def run(self, task: CellTask) -> CellOutcome:
        """Translate and score one cell.

        Raises:
            DragomanError: the cell can't be translated; the sentence says why.
        """
        started = time.monotonic()
        test = self._blobs.test_text(task.test)
        engine = self.engine(task.model, task.decoding)
        if task.then is not None:
            self._load_ahead(task.then)
        begun = time.monotonic()
        if task.second is None:
            translator = self._translator(engine, task, task.pair, task.demonstrations)
            hypotheses = translator.translate(test.sources, test.references)
        else:
            hypotheses = self._translate_through(engine, task, task.second, test)
        decoded = time.monotonic() - begun
        texts = [of_whole_characters(found.text) for found in hypotheses]
        address = self._blobs.put_translation(
            [(text, found.finish_reason, found.tokens) for text, found in zip(texts, hypotheses, strict=True)]
        )
        translation = Translation(
            cell_id=task.cell,
            hypotheses=address,
            segments=len(hypotheses),
            tokens=sum(hypothesis.tokens for hypothesis in hypotheses),
            cut=sum(hypothesis.finish_reason == "length" for hypothesis in hypotheses),
            too_long=sum(hypothesis.finish_reason in TOO_LONG for hypothesis in hypotheses),
            engine=task.model.engine,
            seconds=decoded,
            worker=self._name,
        )
        generation = Generation.of(task.prompt.shown, [each.finish_reason for each in hypotheses])
        outcome = self._score(task, translation, test, texts, generation)
        return outcome.model_copy(update={"busy": time.monotonic() - started, "ended": time.time()})

    def _translator(self, engine: Engine, task: CellTask, pair: Pair, demonstrations: Sequence[Segment]) -> Translator:
        render = renderer(task.prompt, pair, demonstrations, self.chat_template(task.asked, task.prompt))
        return Translator(engine, pair, render, task.decoding.too_long or "empty")

    def _translate_through(self, engine: Engine, task: CellTask, second: SecondLeg, test: Bitext) -> list[Hypothesis]:
        """The translations of a pair's sentences through a third language."""
        first, last = legs(task.pair, second.pivot)
        known = second.known_first(self._blobs, test.sources)
        if known is None:
            asked = (task.loading, task.prompt, first, tuple(test.sources))
            if self._first_leg is None or self._first_leg[0] != asked:
                translator = self._translator(engine, task, first, second.demonstrations)
                self._first_leg = asked, through_leg(translator, test.sources)
            known = self._first_leg[1]
        translator = self._translator(engine, task, last, task.demonstrations)
        return second_leg(translator, known, test.references)

    def engine(self, model: PreparedModel, decoding: Decoding) -> Engine:
        """The model, loaded; the one before it goes first.

        Raises:
            ModelError: it can't be loaded.
        """
        wanted = Loading.of(model, decoding)
        if self._engine is None or self._loaded != wanted:
            self._engine = None  # the old model's memory goes before the new one's comes
            self._engine = self._loaded_ahead(wanted) or self._load(wanted)
            self._loaded = wanted
        return self._engine

    def _load(self, wanted: Loading) -> Engine:
        engine_class: type[Engine] = plugins.load("engines", wanted.model.engine)
        return engine_class(wanted.model.path, wanted.decoding, self._device)

    def _load_ahead(self, wanted: Loading) -> None:
        """Load the next model while this one translates; for a GPU, which may not hold two, only off the disk."""
        loader = ThreadPoolExecutor(1, thread_name_prefix="next-model")
        if self._device == "cpu":
            self._next = wanted, loader.submit(self._load, wanted)
        else:
            loader.submit(_read_through, wanted.model.path)
        loader.shutdown(wait=False)

    def _loaded_ahead(self, wanted: Loading) -> Engine | None:
        ahead, self._next = self._next, None
        if ahead is None or ahead[0] != wanted or ahead[1].exception() is not None:
            return None  # what failed ahead fails again where a cell waits for it, and is recorded there
        return ahead[1].result()

    def chat_template(self, asked: Checkpoint | None, prompt: Prompt) -> ChatTemplate | None:
        """The chat template of a model that is asked with a prompt; None where that is no chat."""
        if asked is None or prompt.chat is None:
            return None
        options = prompt.chat.options
        if self._chat is None or self._chat[0] != asked or self._chat[1].options != options:
            self._chat = asked, ChatTemplate.of(asked.model, asked.revision, options)
        return self._chat[1]

    @staticmethod
    def _score(
        task: CellTask, translation: Translation, test: Bitext, hypotheses: Sequence[str], generation: Generation
    ) -> CellOutcome:
        results = score(
            task.metrics,
            task.pair,
            task.languages,
            test.sources,
            hypotheses,
            test.references,
            further=test.further,
            generation=generation,
        )
        return CellOutcome(
            translation=translation,
            scores=tuple(StoredScore.of(result) for result in results if isinstance(result, ScoreRecord)),
            unscorable=tuple(result for result in results if isinstance(result, Unscorable)),
        )


def _read_through(folder: Path) -> None:
    """Bring the files of a prepared model into the system's cache, and its weights where they lie elsewhere."""
    from dragoman_jobs.engines.tokenization import FACTS, DecodingFacts

    with suppress(OSError, ValueError, DragomanError):  # what can't be read is said where it is loaded
        facts = DecodingFacts.model_validate_json((folder / FACTS).read_bytes())
        for place in (folder, facts.weights_of(folder)):
            for path in sorted(place.rglob("*")):
                if path.is_file():
                    with path.open("rb") as file:
                        while file.read(1 << 24):
                            pass
