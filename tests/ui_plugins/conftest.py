"""A store as a finished grid leaves it, with text of several scripts, and the pages over it."""

import random
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from dragoman.cell import Cell
from dragoman.corpora.factory import open_corpus
from dragoman.metrics.scoring import ScoreRecord, score
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.segment import Split
from dragoman.settings import settings
from dragoman.spec.decoding import Decoding
from dragoman.spec.grid import GridSpec
from dragoman.spec.prompt import NAMED, Prompt
from dragoman.store.records import (
    DecodingRecord,
    JobState,
    ModelRecord,
    PromptRecord,
    StoredScore,
    TestSetRecord,
)
from dragoman.store.store import Store
from dragoman.testing import GridBuilder
from dragoman_ui.app import register
from dragoman_ui.cli import stop, wait_until_healthy
from dragoman_ui.viewmodels.store import shared_store

LANGUAGES = ("en", "de", "ru", "ar", "zh-Hans", "hi")
SCRIPT = "<script>alert('dragoman')</script>"
"""A hypothesis, and a reason, that must never be more than text."""
METRICS = ("bleu", "chrf++")
MISSING, FAILED = Pair("hi", "ar"), Pair("de", "zh-Hans")


QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


class Made(NamedTuple):
    """What tests know of the filled store."""

    languages: tuple[str, ...] = LANGUAGES
    script: str = SCRIPT
    """A hypothesis of english-centric on en-de, and the reason of the failed pair."""
    missing: Pair = MISSING
    """Missing for every model."""
    failed: Pair = FAILED
    """Failed for the model roles."""


GRAPHS = {
    "base": TrainingGraph(),
    "english-centric": TrainingGraph.of((pair for pair in all_pairs(LANGUAGES) if "en" in pair), 1000),
    "roles": TrainingGraph.of([Pair("en", "de"), Pair("de", "en"), Pair("ru", "en"), Pair("en", "ar")], 1000),
}
QUALITY = {"seen": 0.9, "reversed": 0.7, "recombined": 0.6}
"""The chance that a word comes out right, by partition; elsewhere it is small."""


class Grids:
    """Fills a store with grids whose translations are references with some words spoilt."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def fill(self, name: str, languages: tuple[str, ...] = LANGUAGES, sentences: int = 16) -> None:
        """A grid of all pairs under the models of `GRAPHS`, with one pair missing and one failed."""
        corpus, prompt, decoding = open_corpus("cldr", {}), Prompt(template=NAMED["mfti"]), Decoding()
        names = {f"model1-{model}": model for model in GRAPHS}
        base = "model1-base"
        builder = GridBuilder(
            self.store,
            [
                ModelRecord(
                    id=model_id, name=model, parent=None if model_id == base else base,
                    base=None if model_id == base else base, graph=GRAPHS[model],
                )
                for model_id, model in names.items()
            ],
            all_pairs(languages), name=name, metrics=METRICS, languages=languages, names=names,
            spec=specification(name, languages),
            lines={
                pair: list(islice(corpus.segments(pair, Split.TEST), sentences))
                for pair in all_pairs(languages)
                if pair != MISSING
            },
            test_set=TestSetRecord(id="test1-cldr", corpus="cldr", revision="r", split="test", sentences=sentences),
            prompt=PromptRecord(id=prompt.id, template=prompt.template),
            decoding=DecodingRecord(id=decoding.id, settings=decoding.model_dump(mode="json")),
        ).add()  # fmt: skip
        job = self.store.jobs.start(name, "host/1")
        for record in builder.cells:
            self._run(builder, record.cell, names[record.cell.model])
        self.store.jobs.end(job, JobState.DONE)

    def _run(self, builder: GridBuilder, cell: Cell, model: str) -> None:
        pair, lines = cell.pair, builder.lines or {}
        if pair == MISSING:
            return
        builder.start(cell, "host/1")
        if pair == FAILED and model == "roles":
            builder.fail(cell, f"the worker died: {SCRIPT}")
            return
        partition = GRAPHS[model].partition(pair)
        quality = QUALITY.get(partition or "", 0.25) if model != "base" else 0.1
        sources, references = map(list, zip(*lines[pair], strict=True))
        hypotheses = [spoilt(line, quality, f"{model} {pair} {line}") for line in references]
        if (model, pair) == ("english-centric", Pair("en", "de")):
            hypotheses[0] = SCRIPT
        scores = [
            StoredScore.of(each)
            for each in score(METRICS, pair, LANGUAGES, sources, hypotheses, references)
            if isinstance(each, ScoreRecord)
        ]
        texts = [(text, "stop", len(text)) for text in hypotheses]
        builder.translate(cell, scores, hypotheses=texts, engine="transformers", seconds=1.5, worker="host/1")


FULL = {"kind": "full", "learning_rate": 0.001, "steps": 10, "batch_tokens": 512, "warmup_steps": 1}


def specification(name: str, languages: tuple[str, ...]) -> dict[str, Any]:
    """What such a grid could have been made from."""
    trained = {
        model: [f"{pair.source}-{pair.target}" for pair in graph.pairs if {*pair} <= {*languages}]
        for model, graph in GRAPHS.items()
    }
    written = {
        "name": name, "base": "tiny", "languages": languages, "corpus": "cldr", "prompt": "mfti",
        "models": [
            {"name": model, "pairs": pairs, "examples": 1000, "method": FULL}
            for model, pairs in trained.items()
            if pairs
        ],
        "evaluation": {"pairs": "all", "metrics": METRICS},
    }  # fmt: skip
    return GridSpec.model_validate(written).model_dump(mode="json")


def spoilt(text: str, quality: float, seed: str) -> str:
    """A text of which each word (each character, where there are no spaces) stays with some chance."""
    rng = random.Random(seed)
    parts, joint = (text.split(), " ") if " " in text else (list(text), "")
    return joint.join(part if rng.random() < quality else "…" for part in parts)


@pytest.fixture(scope="session")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store that holds the grid `demo`."""
    home = tmp_path_factory.mktemp("home")
    store = Store.open(f"sqlite:///{home}/store.db", f"file://{home}/blobs")
    Grids(store).fill("demo")
    store.close()
    return home


@pytest.fixture
def make_grid() -> Callable[..., None]:
    """Fills the store in use with another grid."""
    return lambda name, languages: Grids(shared_store()).fill(name, languages)


@pytest.fixture
def made() -> Made:
    """What tests know of the filled store."""
    return Made()


@pytest.fixture
def use_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """Makes a folder the one that the settings of this process name, for one test."""

    def use(home: Path) -> None:
        for name in ("STORE", "BLOBS", "MLFLOW"):
            monkeypatch.delenv(f"DRAGOMAN_{name}", raising=False)
        monkeypatch.setenv("DRAGOMAN_HOME", str(home))
        settings.cache_clear()
        shared_store.cache_clear()

    yield use
    settings.cache_clear()
    shared_store.cache_clear()


@pytest.fixture
def filled(filled_home: Path, use_home: Callable[[Path], None]) -> Path:
    """The folder of the filled store, in use."""
    use_home(filled_home)
    return filled_home


@pytest.fixture
def copied(filled_home: Path, use_home: Callable[[Path], None], tmp_path: Path) -> Path:
    """A copy of the filled store to write in, in use."""
    shutil.copytree(filled_home, tmp_path / "home")
    use_home(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def browse() -> Callable[..., FlaskClient]:
    """Makes a client of the pages, below a prefix."""

    def make(prefix: str = "") -> FlaskClient:
        app = Flask("test")
        register(app, prefix)
        return app.test_client()

    return make


@pytest.fixture
def client(filled: Path, browse: Callable[..., FlaskClient]) -> FlaskClient:
    """A client of the pages over the filled store."""
    return browse()


@pytest.fixture
def address() -> Iterator[str]:
    """Where the pages over the home in use are served, by a thread of this process."""
    app = Flask("test")
    register(app)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}/dragoman"
    server.shutdown()
    thread.join()


@pytest.fixture
def open_page(
    filled: Path,
    address: str,
    new_page: Callable[..., Any],
    complaints: list[str],
    forgive: Callable[[str, str], None],
    settled: Callable[[Any], Any],
) -> Callable[..., Any]:
    """Opens one of the pages and waits until all of it is there."""

    def open_(path: str, expected: int = 200, page: Any = None, **options: Any) -> Any:
        page = page or new_page(**options)
        assert complaints == []
        assert page.goto(address + path).status == expected
        settled(page)
        if expected != 200:
            forgive(address + path, f"status of {expected}")
        return page

    return open_


class Server(NamedTuple):
    """A real MLflow server with our pages."""

    address: str
    """Where it answers, its static prefix included."""
    home: Path
    """The home it works on."""


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Starts `mlflow server` on a home, with an app of ours or without, below a prefix; all are stopped at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def start(home: Path, app: str | None, prefix: str = "", **variables: str) -> Server:
        folder = tmp_path_factory.mktemp("server")
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        words = [
            sys.executable, "-m", "mlflow", "server", *(["--app-name", app] if app else []),
            "--backend-store-uri", f"sqlite:///{home}/mlflow.db", "--artifacts-destination", f"file://{home}/artifacts",
            "--port", str(port), "--workers", "1", "--uvicorn-opts", "--log-level warning",
            *(["--static-prefix", prefix] if prefix else []),
        ]  # fmt: skip
        kept = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "DRAGOMAN_HOME": str(home), **QUIET}
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                words, cwd=folder, env=kept | variables, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        started.append(server)
        address = f"http://127.0.0.1:{port}{prefix}"
        wait_until_healthy(server, f"{address}/health", folder / "log")
        return Server(address, home)

    yield start
    for server in started:
        stop(server)
