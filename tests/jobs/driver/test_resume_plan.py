"""A grid goes on from the spec the store has of it, unless its languages have other names today."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from dragoman.errors import SpecError
from dragoman.planning.planner import make_plan
from dragoman.settings import settings
from dragoman.spec.grid import GridSpec
from dragoman.store import records
from dragoman.store.store import Store
from dragoman_jobs.driver.resume_plan import plan_from_store


def test_a_grid_whose_languages_were_renamed_is_not_gone_on_with() -> None:
    spec = {
        "name": "older", "base": "facebook/xglm-564M", "languages": ["en", "ko-Hang"],
        "corpus": {"kind": "cldr", "options": {}},
    }  # fmt: skip
    store = SimpleNamespace(grids=SimpleNamespace(get=lambda name: SimpleNamespace(name=name, spec=spec)))
    with pytest.raises(SpecError, match=r"begun by an earlier version, .* \(now ko-Hang is ko\): its results stay"):
        plan_from_store(cast(Store, store), "older")


def test_a_grid_begun_under_an_earlier_identity_of_its_base_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The generation settings of a base count since; a store has the base by its files alone."""
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    (tmp_path / "home").mkdir()
    for name, content in {
        "config.json": '{"model_type": "xglm", "eos_token_id": 2}',
        "generation_config.json": '{"eos_token_id": [2, 7]}',
        "model.safetensors": "weights",
    }.items():
        (tmp_path / "base").mkdir(exist_ok=True)
        (tmp_path / "base" / name).write_text(content)
    content = {"name": "older", "base": str(tmp_path / "base"), "languages": ["en", "de"], "corpus": {"kind": "cldr"}}
    spec = GridSpec.model_validate(content)
    plan = make_plan(spec)
    former = plan.base.former
    assert former is not None
    assert former.id != plan.base.id
    store = Store.open(settings().store_url, settings().blobs_url)
    store.models.add(records.ModelRecord(id=former.id, name="base", recipe=former.recipe))
    store.conditions.add_test_set(records.TestSetRecord(id=plan.test_set.id, **plan.test_set.model_dump(mode="json")))
    grid = records.GridRecord(
        name="older", spec=spec.model_dump(mode="json"), spec_hash="spec1-x", models=(former.id,), base=former.id,
        metrics=("bleu",), languages=spec.languages, names={former.id: "base"},
    )  # fmt: skip
    store.grids.add(grid, [])
    assert [model.id for model in plan_from_store(store, "older").models] == [former.id]
