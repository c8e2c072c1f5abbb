"""An evaluation worker: keeps a model loaded, translates and scores cells, lease by lease. It knows no Ray."""

import os
import socket
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict

from dragoman import plugins
from dragoman.cell import Unscorable
from dragoman.errors import DragomanError, StoreError, first_line
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
from dragoman_jobs.evaluation.decoding_rounds import Decoded, Steps, decode_together, is_of_machine
from dragoman_jobs.evaluation.long_sentences import Translator
from dragoman_jobs.evaluation.pivot_translation import SecondLeg, second_leg, through_leg
from dragoman_jobs.models.checkpoint import Checkpoint
from dragoman_jobs.prompts.rendering import ChatTemplate, renderer

GROUP_SECONDS = 1.0
"""How long cells that are done wait for others, to be told to the driver with them."""


class PreparedModel(BaseModel):
    """A model in the form an engine loads."""

    model_config = ConfigDict(frozen=True)

    model: str
    """Id of the model."""
    engine: str
    """Name of the engine."""
    path: Path
    """What the engine loads."""
    batch_invariant: bool = False
    """Whether cells may be decoded together (`Engine.is_batch_invariant`)."""
    keeps_prefixes: bool = False
    """Whether what prompts begin with is kept from cell to cell (`Engine.keeps_prefixes`)."""


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

    @property
    def loading(self) -> Loading:
        """What the worker has to have loaded."""
        return Loading.of(self.model, self.decoding)


class Lease(BaseModel):
    """Cells of one model and decoding that a worker decodes together."""

    model_config = ConfigDict(frozen=True)

    tasks: tuple[CellTask, ...]
    """The cells: one, where the engine is not batch invariant."""
    then: Loading | None = None
    """What the worker will need next, where this is its last lease of its model."""

    @property
    def loading(self) -> Loading:
        """What the worker has to have loaded."""
        return self.tasks[0].loading


class CellFailure(NamedTuple):
    """Why there is no outcome of a cell."""

    cell: str
    """Id of the cell."""
    reason: str
    """A sentence."""
    detail: str | None = None
    """Where it happened, if nobody foresaw it."""

    @classmethod
    def of(cls, cell: str, error: Exception) -> Self:
        """What an error says of a cell."""
        if isinstance(error, DragomanError):
            return cls(cell, str(error))
        detail = "".join(traceback.format_exception(error))
        return cls(cell, f"{type(error).__name__}: {first_line(error)}", detail)


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

    def run(self, lease: Lease) -> Iterator[list[CellOutcome | CellFailure]]:
        """Translate and score the cells of a lease; those that are done come in groups, every second or so.

        Raises:
            DragomanError: none of them can be translated; the sentence says why.
            DiskError: a disk is full.
            WorkerDiedError: the engine's own process died.
        """
        began, told = time.time(), time.monotonic()
        engine = self.engine(*lease.loading)
        if lease.then is not None:
            self._load_ahead(lease.then)
        tasks = {task.cell: task for task in lease.tasks}
        tests: dict[str, Bitext] = {}
        group: list[CellOutcome | CellFailure] = []
        for cell, task in tasks.items():
            try:
                tests[cell] = self._blobs.test_text(task.test)
            except StoreError as error:
                group.append(CellFailure.of(cell, error))
        steps = {cell: self._steps(engine, tasks[cell], test) for cell, test in tests.items()}
        prepared = (time.monotonic() - told) / len(tasks)
        for cell, found in decode_together(engine, steps):
            scoring = time.monotonic()
            try:
                if isinstance(found, Exception):
                    raise found
                outcome = self._outcome(tasks[cell], tests.pop(cell), found)
                busy = prepared + found.seconds + time.monotonic() - scoring
                group.append(outcome.model_copy(update={"busy": busy, "began": began, "ended": time.time()}))
            except Exception as error:  # of any kind: the other cells of the lease go on
                if is_of_machine(error):
                    raise
                group.append(CellFailure.of(cell, error))
            if time.monotonic() - told >= GROUP_SECONDS:
                yield group
                group, told = [], time.monotonic()
        if group:
            yield group

    def _steps(self, engine: Engine, task: CellTask, test: Bitext) -> Steps:
        """The decoding of a cell."""
        if task.second is not None:
            return (yield from self._translate_through(engine, task, task.second, test))
        translator = self._translator(engine, task, task.pair, task.demonstrations)
        return (yield from translator.steps(test.sources, test.references))

    def _outcome(self, task: CellTask, test: Bitext, found: Decoded) -> CellOutcome:
        """Keep the translations of a cell, and score them."""
        hypotheses = found.hypotheses
        texts = [of_whole_characters(each.text) for each in hypotheses]
        address = self._blobs.put_translation(
            [(text, each.finish_reason, each.tokens) for text, each in zip(texts, hypotheses, strict=True)]
        )
        translation = Translation(
            cell_id=task.cell,
            hypotheses=address,
            segments=len(hypotheses),
            tokens=sum(hypothesis.tokens for hypothesis in hypotheses),
            cut=sum(hypothesis.finish_reason == "length" for hypothesis in hypotheses),
            too_long=sum(hypothesis.finish_reason in TOO_LONG for hypothesis in hypotheses),
            engine=task.model.engine,
            seconds=found.seconds,
            worker=self._name,
        )
        generation = Generation.of(task.prompt.shown, [each.finish_reason for each in hypotheses])
        return self._score(task, translation, test, texts, generation)

    def _translator(self, engine: Engine, task: CellTask, pair: Pair, demonstrations: Sequence[Segment]) -> Translator:
        render = renderer(task.prompt, pair, demonstrations, self.chat_template(task.asked, task.prompt))
        return Translator(engine, pair, render, task.decoding.too_long or "empty")

    def _translate_through(self, engine: Engine, task: CellTask, second: SecondLeg, test: Bitext) -> Steps:
        """The translations of a pair's sentences through a third language."""
        first, last = legs(task.pair, second.pivot)
        known = second.known_first(self._blobs, test.sources)
        if known is None:
            asked = (task.loading, task.prompt, first, tuple(test.sources))
            if self._first_leg is None or self._first_leg[0] != asked:
                translator = self._translator(engine, task, first, second.demonstrations)
                self._first_leg = asked, (yield from through_leg(translator, test.sources))
            known = self._first_leg[1]
        translator = self._translator(engine, task, last, task.demonstrations)
        return (yield from second_leg(translator, known, test.references))

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
