"""A plan of a small grid, and a finetuning that takes no time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dragoman.cell import CellState
from dragoman.pair import Pair
from dragoman.planning.plan import Plan
from dragoman.planning.planner import make_plan
from dragoman.spec.grid import GridSpec
from dragoman.store.store import Store
from dragoman_jobs.finetune.result import FinetuneResult, Progress
from dragoman_jobs.finetune.task import TrainingTask

LANGUAGES = ["en", "de", "fr"]


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


def states_of(store: Store, model: str) -> dict[str, CellState]:
    return {str(cell.cell.pair): cell.state for cell in store.cells.of_grid("grid") if cell.cell.model == model}
