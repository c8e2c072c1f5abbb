"""A driver on a cluster that is this process, with an engine and a finetuning that take no time."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from dragoman.cell import CellState
from dragoman.pair import Pair
from dragoman.planning.plan import Plan, make_plan
from dragoman.settings import Settings
from dragoman.spec.decoding import Decoding
from dragoman.spec.grid import GridSpec
from dragoman.store.store import Store
from dragoman_jobs.cluster.local_cluster import LocalCluster
from dragoman_jobs.driver.driver import Driver
from dragoman_jobs.driver.job import Job
from dragoman_jobs.driver.progress import GridProgress
from dragoman_jobs.engines.base import Engine, Hypothesis
from dragoman_jobs.finetune.result import FinetuneResult, Progress
from dragoman_jobs.finetune.task import TrainingTask
from dragoman_jobs.models.checkpoint import Checkpoint

LANGUAGES = ["en", "de", "fr"]


class Copying(Engine):
    """An engine that says the source again, and can be told to fail."""

    fails: Exception | None = None

    @classmethod
    def prepare(cls, checkpoint: Checkpoint, decoding: Decoding, cache: Path) -> Path:
        return cache / checkpoint.id

    def __init__(self, prepared: Path, decoding: Decoding, device: str = "cpu") -> None:
        self.prepared = prepared

    def translate(self, prompts: Sequence[str], batch_tokens: int = 4096) -> list[Hypothesis]:
        if type(self).fails is not None and "[French]: " in prompts[0]:
            raise type(self).fails
        return [Hypothesis(prompt.split(": ", 1)[1], "stop", 3) for prompt in prompts]


def trained(task: TrainingTask) -> Iterator[Progress]:
    """A finetuning that writes its result and no weights; de-en has no examples that fit."""
    task.out.mkdir(parents=True)
    read = {pair: 7 for pair in task.planned.pairs if pair != Pair("de", "en")}
    result = FinetuneResult(
        base=task.base, revision=None, method=task.planned.finetuning.method, seed=1, examples=read, skipped_too_long=0,
        losses=[], target_tokens=0, seconds=0, parameters=0, trained_parameters=0, head_on_labels_only=True,
    )  # fmt: skip
    (task.out / "finetune.json").write_text(result.model_dump_json())
    yield Progress(1, 2, 3.0, 0.1, 1.0)
    yield Progress(2, 2, 2.0, 0.1, 1.0)


def plan_of(tmp_path: Path, **changes: Any) -> Plan:
    base = tmp_path / "base"
    base.mkdir(exist_ok=True)
    (base / "model.safetensors").write_bytes(b"weights")
    content = {
        "name": "grid", "base": str(base), "languages": LANGUAGES, "corpus": "cldr",
        "models": [
            {"name": "one", "pairs": ["de-en", "fr-en"], "examples": 2,
             "method": {"kind": "full", "learning_rate": 0.1, "steps": 2}},
        ],
        "evaluation": {"sentences": 3, "metrics": ["bleu"], "engine": "transformers"},
    }  # fmt: skip
    return make_plan(GridSpec.model_validate({**content, **changes}))


def run_through(
    plan: Plan, settings: Settings, failed_too: bool = True, cluster: LocalCluster | None = None,
    store: Store | None = None,
) -> Store:  # fmt: skip
    store = store or Store.open(settings.store_url, settings.blobs_url)
    job = Job(store, plan.spec.name)
    driver = Driver(plan, store, settings, GridProgress(Console(quiet=True), job))
    driver.register()
    with job:
        while backlog := driver.remaining(failed_too):
            driver.run(cluster or LocalCluster(), backlog)
            failed_too = False
    return store


def states_of(store: Store, model: str) -> dict[str, CellState]:
    return {str(cell.cell.pair): cell.state for cell in store.cells.of_grid("grid") if cell.cell.model == model}
