"""A grid of a base, a finetuned adapter and a quoted system, whose cells are planned and not translated."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from dragoman.planning.plan import Plan
from dragoman.planning.planner import make_plan
from dragoman.settings import Settings, settings
from dragoman.spec.grid import GridSpec
from dragoman.store.store import Store
from dragoman_jobs.driver.progress import ProgressDisplay
from dragoman_jobs.driver.register_plan import register
from dragoman_jobs.finetune.result import FinetuneResult

LANGUAGES = ["en", "de", "fr", "fi"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home that commands use."""
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    (tmp_path / "home").mkdir()
    yield tmp_path / "home"
    settings.cache_clear()


@pytest.fixture
def make_grid(home: Path, tiny_model: Callable[[str], Path], write_adapter: Callable[..., Path]) -> Callable[..., Plan]:
    """Writes a grid into the home's store, as trained."""

    def make(name: str = "grid", *, trained: bool = True, **changes: Any) -> Plan:
        base = tiny_model("xglm")
        content = {
            "name": name, "base": str(base), "languages": LANGUAGES, "corpus": "cldr", "prompt": "mfti",
            "models": [
                {"name": "tuned", "pairs": ["de-en"], "examples": 2,
                 "method": {"kind": "lora", "learning_rate": 0.1, "steps": 2}},
            ],
            "evaluation": {"sentences": 30, "metrics": ["bleu"]},
        }  # fmt: skip
        plan = make_plan(GridSpec.model_validate({**content, **changes}))
        chosen = Settings()
        store = Store.open(chosen.store_url, chosen.blobs_url)
        register(plan, store)
        for training in plan.trainings if trained else ():
            out = chosen.models_dir / training.identity.id
            if not out.exists():
                write_adapter(out, base, ["q_proj", "v_proj"])
            result = FinetuneResult(
                base=str(base), revision=None, method=training.finetuning.method, seed=1,
                examples=dict.fromkeys(training.pairs, 2), skipped_too_long=0, losses=[], target_tokens=0, seconds=0,
                parameters=0, trained_parameters=0, head_on_labels_only=True,
            )  # fmt: skip
            store.models.add_training(training.identity.id, result.model_dump(mode="json"))
        store.close()
        return plan

    return make


@pytest.fixture
def open_store(home: Path) -> Callable[[], Store]:
    """Opens the home's store."""
    chosen = Settings(home=home)
    return lambda: Store.open(chosen.store_url, chosen.blobs_url)


@pytest.fixture
def quiet() -> ProgressDisplay:
    """A display that shows nothing."""
    return ProgressDisplay(Console(quiet=True))
