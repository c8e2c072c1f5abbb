"""A grid whose training text holds too much of its test set stops before anything is begun."""

from pathlib import Path

import pytest
from rich.console import Console

from dragoman.planning.manifest import manifest_path
from dragoman.planning.planner import make_plan
from dragoman.planning.training_data import ContaminationError
from dragoman.settings import Settings
from dragoman.spec.grid import GridSpec
from dragoman_jobs.driver.grid_run import run_grid


def never() -> None:
    pytest.fail("no cluster is wanted")


def test_too_much_contamination_stops_the_run_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "base" / "tokenizer.json").write_text("{}")
    lines = [
        (f"Der {number}. Satz handelt von Schiffen und Häfen.", f"Sentence {number} is about ships and ports.")
        for number in range(30)
    ]
    for split, rows in (("train", lines), ("test", lines[:3])):
        (tmp_path / f"{split}.de-en.tsv").write_text("".join(f"{one}\t{other}\n" for one, other in rows))
    method = {"kind": "full", "learning_rate": 0.1, "steps": 2}
    spec = GridSpec.model_validate({
        "name": "copied", "base": str(tmp_path / "base"), "languages": ["de", "en"],
        "corpus": {"kind": "tsv", "path": f"{tmp_path}/{{split}}.{{source}}-{{target}}.tsv"},
        "models": [{"name": "one", "pairs": ["de-en"], "examples": 30, "method": method}],
        "contamination": {"at_most": 0.05},
    })  # fmt: skip
    settings = Settings(home=tmp_path / "home")
    with pytest.raises(
        ContaminationError, match=r"models.one: 100.0% of the 3 de test sentences are in the source side"
    ):
        run_grid(make_plan(spec), settings, Console(quiet=True), never)
    assert manifest_path(settings.home, "copied").is_file()
    assert not (settings.home / "store.db").exists()
