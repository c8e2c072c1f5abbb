"""The grid of the campaign of faults (`chaos.py`): run, resumed, and compared with one that nothing disturbed."""

import hashlib
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import yaml
from mlflow import MlflowClient
from sqlalchemy import text

from dragoman.cell import CellState
from dragoman.errors import DragomanError
from dragoman.settings import Settings
from dragoman.store.store import Store

ROOT = Path(__file__).parents[1]
DRAGOMAN = Path(sys.executable).with_name("dragoman")
PATIENCE = 600.0
"""Seconds that a command may take before it counts as hanging."""
RESUMES = 3
"""Tries of a resume that nothing disturbs; those that failed are counted."""
SERVICE = "CHAOS_SERVICE"
"""Variable of the environment of a server that is none of a driver's processes."""
GRACE = 10.0
"""Seconds after which nothing of a driver that was killed may live."""

SPEC: dict[str, Any] = {
    "name": "chaos",
    "base": str(ROOT / "examples" / "tiny-xglm"),
    "languages": ["en", "de", "fr"],
    "corpus": "cldr",
    "models": [
        {
            "name": "to-english",
            "pairs": ["de-en", "fr-en"],
            "examples": 20,
            "method": {"kind": "full", "learning_rate": 0.001, "steps": 6, "batch_tokens": 256},
        }
    ],
    "evaluation": {"sentences": 8, "decoding": {"max_new_tokens": 16}, "metrics": ["bleu", "chrf++"]},
    "promotion": {"model": "chaos-translator", "rules": [{"over": "all", "at_least": 0}]},
}
"""A finetuning, twelve cells, a registration and a promotion: each a moment at which a fault can come."""

_SUMS = "SELECT sum(scores) FROM score_sum JOIN grid ON grid.id = score_sum.grid_id WHERE grid.name = :grid"


class Results(NamedTuple):
    """All that a grid is compared by."""

    cells: Mapping[str, Any]
    """By id: state, translations and scores with their statistics."""
    doubled: int
    """Cells that a grid has twice."""
    scores: tuple[int, int]
    """How many there are, and how many the sums have."""
    weights: Mapping[str, str]
    """Digest of every file of the finetuned models."""
    runs: Mapping[str, Any]
    """MLflow's runs by name: status, parameters, metrics and losses of each."""
    versions: Any
    """The registry: versions and aliases."""


class Grid:
    """A grid in a folder of its own."""

    def __init__(self, folder: Path, **environment: str) -> None:
        """Make the folder.

        Args:
            folder: new; its path is short, since sockets are made in it.
            environment: variables besides.
        """
        self.folder = folder
        self.temporary = folder / "t"
        self.temporary.mkdir(parents=True)
        self.home = folder / "home"
        self.environment = {
            **os.environ, "DRAGOMAN_HOME": str(self.home), "TMPDIR": str(self.temporary), "OMP_NUM_THREADS": "1",
            # or a process that gives itself a title could not be recognized as one of this grid's
            "SPT_NOENV": "1", **environment,
        }  # fmt: skip
        self.log = folder / "said.txt"
        self.refused = 0
        """Resumes that failed though nothing disturbed them."""
        self.specs: list[str] = []
        self.add(SPEC)

    def add(self, spec: Mapping[str, Any]) -> None:
        """Write the spec of another grid in the same home."""
        (self.folder / f"{spec['name']}.yaml").write_text(yaml.safe_dump(dict(spec)), encoding="utf-8")
        self.specs.append(spec["name"])

    @property
    def settings(self) -> Settings:
        """Where its things are."""
        given = {key.lower().removeprefix("dragoman_"): value for key, value in self.environment.items()
                 if key in ("DRAGOMAN_STORE", "DRAGOMAN_BLOBS", "DRAGOMAN_MLFLOW")}  # fmt: skip
        return Settings(home=self.home, **given)  # type: ignore[arg-type]

    def is_known(self, name: str) -> bool:
        """Whether the store has the grid, which can be resumed then."""
        try:
            store = Store.open_existing(self.settings.store_url, self.settings.blobs_url)
            with closing(store):
                return any(record.name == name for record in store.grids.all())
        except DragomanError:
            return False

    def progress(self) -> str:
        """How far it is, in cells that are done."""
        done = self._done()
        return "before its grid is stored" if done is None else f"at {done} of {self.size} cells"

    def _done(self) -> int | None:
        """Cells that are done; None before the grid is stored."""
        try:
            store = Store.open_existing(self.settings.store_url, self.settings.blobs_url)
            with closing(store):
                states = [cell.state for cell in store.cells.of_grid(SPEC["name"])]
        except DragomanError:
            return None
        return states.count(CellState.DONE)

    @property
    def size(self) -> int:
        """How many cells the campaign's grid has."""
        return len(SPEC["languages"]) * (len(SPEC["languages"]) - 1) * (1 + len(SPEC["models"]))

    def is_at(self, stage: str | int) -> bool:
        """Whether the grid has come to a stage: `training` has begun, so many cells are done, or `registration`."""
        if stage == "training":
            return any(self.settings.models_dir.glob("*"))
        if stage == "registration":
            return any(self.home.glob("cache/package-*"))
        return (self._done() or 0) >= int(stage)

    def begin(self, name: str = SPEC["name"], **options: Any) -> "subprocess.Popen[bytes]":
        """Run or resume a grid, in a session of its own, as from a terminal."""
        words = ["resume", name] if self.is_known(name) else ["run", f"{name}.yaml"]
        return self._command(words, **options)

    def _command(self, words: list[str], **options: Any) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            log.write(f"$ dragoman {' '.join(words)}\n".encode())
            log.flush()
            return subprocess.Popen(
                [DRAGOMAN, *words], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True, **options,
            )  # fmt: skip

    def end(self, process: "subprocess.Popen[bytes]") -> int | None:
        """The exit code of a command, None if it hangs."""
        try:
            return process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return None

    def complete(self) -> list[str]:
        """Resume until all is done, again where Ray comes up too late on a busy machine; returns what is in the way."""
        wrong = []
        for name in self.specs:
            for _ in range(RESUMES):
                code = self.end(self.begin(name))
                if code == 0:
                    break
                self.refused += 1
                # what a full disk had failed is left to this by every resume
                self.end(self._command(["retry", name, "--failed"]))
            else:
                wrong.append(f"the last resume of {name} {'hangs' if code is None else f'ended with {code}'}")
        said = self.log.read_text(encoding="utf-8", errors="replace")
        if "Traceback" in said:
            wrong.append("a traceback was shown")
        return wrong

    def processes(self) -> list[psutil.Process]:
        """All that live and were started for this grid, by their environment."""
        return [each for each in psutil.process_iter() if _home_of(each) == str(self.home)]

    def left(self, but: int | None = None) -> list[str]:
        """What lives of it after the grace: names; the wait ends as soon as nothing does."""
        until = time.monotonic() + GRACE
        while (found := [each for each in self.processes() if each.pid != but]) and time.monotonic() < until:
            time.sleep(0.1)
        return [_name(each) for each in found]

    def litter(self) -> list[str]:
        """Files of nobody: in the temporary folder, and half made in the home."""
        cache = self.home / "cache"
        made = [*cache.rglob(".*.partial"), *cache.glob("package-*"), *self.home.glob("models/*/*.partial")]
        return [str(path.relative_to(self.folder)) for path in (*self.temporary.iterdir(), *made)]

    def results(self) -> Results:
        """What it has come to."""
        store = Store.open_existing(self.settings.store_url, self.settings.blobs_url)
        with closing(store):
            cells = {name: list(_cells(store, name)) for name in self.specs}
            doubled = sum(count > 1 for rows in cells.values() for count in Counter(row[0] for row in rows).values())
            with store.database.reading() as connection:
                scores = connection.execute(text("SELECT count(*) FROM score")).scalar()
                sums = connection.execute(text(_SUMS), {"grid": SPEC["name"]}).scalar()
        found = {key: value for rows in cells.values() for key, value in rows}
        return Results(
            cells=found,
            doubled=doubled,
            scores=(int(scores or 0), int(sums or 0)),
            weights={
                str(path.relative_to(self.home)): hashlib.sha256(path.read_bytes()).hexdigest()
                for path in sorted(self.settings.models_dir.rglob("*.safetensors"))
            },
            **_of_mlflow(MlflowClient(tracking_uri=self.settings.mlflow_url), self.specs),
        )

    def remove(self) -> None:
        """Forget it."""
        shutil.rmtree(self.folder, ignore_errors=True)


def differences(calm: Results, found: Results) -> dict[str, list[str]]:
    """What differs between an undisturbed grid and another, by kind."""
    doubled = [f"{found.doubled} cells"] if found.doubled else []
    if found.scores != calm.scores:
        doubled.append(f"{found.scores[0]} scores, {found.scores[1]} in their sums, and not {calm.scores[0]}")
    runs = {key: value for key, value in found.runs.items() if key in calm.runs or not _is_whole(value)}
    mlflow = [f"run {key}: {_changes(calm.runs.get(key), runs.get(key))}" for key in _unequal(calm.runs, runs)]
    if found.versions != calm.versions:
        mlflow.append(f"registry: {found.versions} and not {calm.versions}")
    differing = [*_unequal(calm.cells, found.cells), *_unequal(calm.weights, found.weights)]
    return {"differing": differing, "doubled": doubled, "mlflow": mlflow}


def _is_whole(runs: list[Any]) -> bool:
    """Whether a run of another grid of the home is there once, and finished."""
    return [status for status, *_ in runs] == ["FINISHED"]


def _unequal(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    return sorted(key for key in {*one, *other} if one.get(key) != other.get(key))


def _changes(calm: Any, found: Any) -> str:
    if not calm or not found or len(calm) != len(found):
        return f"{len(found or ())} times and not {len(calm or ())}"
    names = ("status", "parameters", "metrics", "losses")
    pairs = zip(names, calm[0], found[0], strict=True)
    return ", ".join(f"{name} {str(now)[:200]} and not {str(was)[:200]}" for name, was, now in pairs if was != now)


def _cells(store: Store, name: str) -> Iterator[tuple[str, Any]]:
    for record in store.cells.of_grid(name):
        texts = store.blobs.translation(record.hypotheses) if record.hypotheses else None
        scores = sorted(
            (score.metric, score.signature, score.value, score.low, score.high, score.statistics)
            for score in store.cells.scores(record.cell.id)
        )
        yield record.cell.id, (CellState(record.state), texts, scores)


def _of_mlflow(client: MlflowClient, names: list[str]) -> dict[str, Any]:
    runs: dict[str, list[Any]] = {}
    for name in names:
        experiment = client.get_experiment_by_name(name)
        for run in client.search_runs([experiment.experiment_id]) if experiment else ():
            losses = {(each.step, each.value) for each in client.get_metric_history(run.info.run_id, "loss")}
            metrics = {key: value for key, value in run.data.metrics.items() if not key.startswith("system/")}
            parameters = {key: value.replace(str(ROOT), "") for key, value in run.data.params.items()}
            of_name = runs.setdefault(f"{name}/{run.info.run_name}", [])
            of_name.append((run.info.status, parameters, metrics, sorted(losses)))
    versions = sorted((each.name, int(each.version), each.tags) for each in client.search_model_versions(""))
    aliases = {each.name: each.aliases for each in client.search_registered_models()}
    return {"runs": runs, "versions": (versions, aliases)}


def _home_of(process: psutil.Process) -> str | None:
    try:
        found = process.environ()
        return None if SERVICE in found else found.get("DRAGOMAN_HOME")
    except (psutil.Error, OSError):
        return None


def _name(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())[:80]
    except psutil.Error:
        return "?"


def new_folder(parent: Path, chance: random.Random) -> Path:
    """A folder with a short name that is not there yet."""
    while True:
        folder = parent / f"{chance.randrange(16**5):05x}"
        if not folder.exists():
            return folder
