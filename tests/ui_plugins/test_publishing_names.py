"""Published sites of models whose names hold slashes, of models with several prompts, and of several references."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.ui_plugins import test_ui_prompts
from tests.ui_plugins.test_publishing import held, sentences
from tests.ui_plugins.test_publishing_test_sets import put, quote

from dragoman.errors import StoreError
from dragoman.pair import Pair
from dragoman.partition import TrainingGraph
from dragoman.segment import Segment
from dragoman.settings import settings
from dragoman.store.records import ModelRecord
from dragoman.store.store import Store
from dragoman.testing import GridBuilder, random_score

PAIRS = [Pair("en", "de"), Pair("de", "en")]
FURTHER = [("one more 0", "and another 0"), (), ("one more 2",)]


@pytest.fixture
def home(tmp_path: Path, use_home: Callable[[Path], None]) -> Path:
    """An empty home, in use."""
    (tmp_path / "home").mkdir()
    use_home(tmp_path / "home")
    return tmp_path / "home"


def translated(names: dict[str, str], **more: Any) -> None:
    """Fill the store with a grid of models called so, all pairs translated."""
    store = Store.open(settings().store_url, settings().blobs_url)
    lines = {pair: [Segment(f"source {number}", f"reference {number}") for number in range(3)] for pair in PAIRS}
    models = [ModelRecord(id=key, name=name, graph=TrainingGraph()) for key, name in names.items()]
    grid = GridBuilder(
        store, models, PAIRS, name="asked", languages=("en", "de"), names=names, lines=lines, **more
    ).add()
    for record in grid.cells:
        score = random_score("bleu", record.cell.model, record.cell.pair, segments=3, quality=0.5, signature="tok:13a")
        grid.translate(record.cell, [score], hypotheses=[(f"made {record.cell.model}", "stop", 1)] * 3)
    store.close()


@pytest.mark.parametrize("grid_too", [False, True])
def test_a_name_may_hold_a_slash(home: Path, tmp_path: Path, dragoman: Callable[..., Any], grid_too: bool) -> None:
    first = "asked/tuned" if grid_too else "org/tuned"  # its first part may be called as the grid is
    translated({"base": "base", "m": first, "n": "org/other"})
    put(tmp_path / "site", metrics=["bleu"], models=["base", first])
    stem = first.replace("/", "-")
    pages = {path.name for path in (tmp_path / "site").glob("*.html")}
    assert {f"{stem}-bleu-score.html", f"{stem}-against-base-bleu.html", "ranking-bleu-all.html"} < pages
    assert list(sentences(tmp_path / "site", "en-de")[2]) == ["base", first]
    compared = dragoman("compare", "asked", "base", first, "--metric", "bleu", "--json")
    assert compared.code == 0, compared.err
    ranked = dragoman("rank", "asked", "--metric", "bleu", "--json")
    assert {row["system"] for row in json.loads(ranked.out)["ranking"]} == {"base", first, "org/other"}


@pytest.mark.parametrize("models", [(), ("tuned",), ("base", "tuned"), ("tuned", "paper")])
def test_models_asked_with_several_prompts(home: Path, tmp_path: Path, models: tuple[str, ...]) -> None:
    test_ui_prompts.fill(home)
    quote(home)
    put(tmp_path / "site", models=models)
    pages = {path.stem for path in (tmp_path / "site").glob("*.html")}
    assert {"tuned-silent-chrfpp-score", "tuned-mfti-chrfpp-score", "ranking-chrfpp-all"} < pages
    assert ("paper-chrfpp-score" in pages) == ("paper" in models or not models)
    assert not [page for page in pages if page.startswith("paper-") and ("mfti" in page or "silent" in page)]


def test_a_test_set_without_a_name_is_not_named(home: Path, tmp_path: Path) -> None:
    translated({"base": "base"})
    with pytest.raises(StoreError, match="'asked' has no test set 'news': its one test set has no name: leave it out"):
        put(tmp_path / "site", test_sets=["news"])


def test_all_references_of_a_line_are_published(home: Path, tmp_path: Path) -> None:
    translated({"base": "base"}, further=dict.fromkeys(PAIRS, FURTHER))
    put(tmp_path / "site", metrics=["bleu"])
    data = held(tmp_path / "site", "en-de")
    about = json.loads(data[4 : 4 + int.from_bytes(data[:4], "little")])
    found = [json.loads(held(tmp_path / "site", name)) for name in about["further"]]
    assert found == [["one more 0", None, "one more 2"], ["and another 0", None, None]]
    assert sentences(tmp_path / "site", "en-de")[1] == ["reference 0", "reference 1", "reference 2"]
