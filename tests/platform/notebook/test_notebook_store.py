"""The store in a notebook: questions as methods, answers that equal the commands', and a handle that only reads."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dragoman as public
from dragoman.analysis import metric_names
from dragoman.errors import StoreError
from dragoman.figures import FigureError
from dragoman.notebook.notebook_store import NotebookStore
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.settings import settings
from dragoman.store.records import ModelRecord
from dragoman.store.store import Store
from dragoman.testing import GridBuilder, MadeCampaign, random_score

GRAPHS = {
    "base": TrainingGraph(),
    "a": TrainingGraph.of([Pair("en", "de"), Pair("de", "fr")], 10),
    "b": TrainingGraph.of([Pair("en", "de")], 20),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NotebookStore]:
    """A store of the settings with the grid `demo` and the campaign `made`, opened as a notebook does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRAGOMAN_HOME", str(tmp_path_factory.mktemp("home")))
        settings.cache_clear()
        made = Store.open(settings().store_url, settings().blobs_url)
        models = [ModelRecord(id=name, name=name, base="base", graph=graph) for name, graph in GRAPHS.items()]
        grid = GridBuilder(
            made, models, all_pairs(("de", "en", "fr", "sw")), name="demo", metrics=("bleu", "off_target"),
            names={name: name for name in GRAPHS},
        ).add()  # fmt: skip
        for record in grid.cells:
            own, pair = record.cell.model, record.cell.pair
            quality = 0.4 + 0.1 * len(GRAPHS[own].pairs) + 0.2 * (pair in GRAPHS[own].pairs)
            scores = [
                random_score(metric, own, pair, segments=30, quality=quality, signature="v1")
                for metric in grid.grid.metrics
            ]
            grid.translate(record.cell, scores, hypotheses=[(str(pair), "stop", 1)] * 30)
        made.models.add_training("a", {"losses": [[1, 3.0, 0.1], [2, 1.5, 0.1]], "dev": []})
        MadeCampaign(made, lambda model, graph, pair: 10.0 + len(graph.pairs), draws=(1, 2)).add()
        made.close()
        opened = public.open_store()
        yield opened
        opened.close()
    settings.cache_clear()


def rows(dragoman: Callable[..., Any], *arguments: str) -> Any:
    return json.loads(dragoman(*arguments, "--json").out)


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, float):
        return pytest.approx(value, abs=1e-6, rel=1e-3)
    return list(value) if isinstance(value, tuple) else value


def same(answer: Any, printed: list[dict[str, Any]]) -> None:
    assert [set(row) for row in answer] == [set(row) for row in printed] and printed
    for own, row in zip(answer, printed, strict=True):
        assert {key: plain(value) for key, value in own.items()} == row


def test_answers_are_what_the_commands_print(store: NotebookStore, dragoman: Callable[..., Any]) -> None:
    printed = rows(dragoman, "results", "demo")
    same(store.partitions("demo"), printed["partitions"])
    same(store.results("demo", "gap"), printed["gap"])
    one = rows(dragoman, "results", "demo", "--model", "a", "--metric", "off_target")
    same(store.pairs("demo", "a", metric="off_target"), one["pairs"])
    compared = rows(dragoman, "compare", "demo", "a", "b")
    found = store.compare("demo", "a", "b")
    same(found, compared["scopes"])
    same(found.pairs, compared["pairs"])
    same(store.rank("demo"), rows(dragoman, "rank", "demo")["ranking"])
    frame = store.partitions("demo").frame()
    assert list(frame.columns) == list(printed["partitions"][0])
    np.testing.assert_allclose(frame["mean"], [row["mean"] for row in printed["partitions"]], atol=1e-6)


def test_figures_have_the_numbers_of_the_answers(store: NotebookStore) -> None:
    pairs = store.pairs("demo", "a")
    drawn = pairs.plot().draw().axes[0].images[0].get_array()
    assert sorted(drawn.compressed()) == sorted(row["value"] for row in pairs)
    gains = pairs.plot(show="gain").draw().axes[0].images[0].get_array()
    assert sorted(gains.compressed()) == pytest.approx(sorted(row["value"] - row["base_value"] for row in pairs))
    falling = store.pairs("demo", "a", metric="off_target")
    gains = falling.plot(show="gain").draw().axes[0].images[0].get_array()
    assert sorted(gains.compressed()) == pytest.approx(sorted(row["base_value"] - row["value"] for row in falling))

    found = store.partitions("demo", model=["a", "b"])
    points = [y for each in found.plot().draw().axes[0].containers for y in each[0].get_ydata()]
    assert sorted(points) == sorted(row["mean"] for row in found)

    compared = store.compare("demo", "a", "b")
    dots = [line.get_xdata()[0] for line in compared.plot().draw().axes[0].lines if line.get_marker() == "o"]
    assert sorted(dots) == sorted(row["delta"] for row in compared.pairs)
    assert "b minus a: bleu on cldr test, revision r1" in compared.plot().title

    curve = store.curve("made", scope="all")
    assert {(row["x"], row["y"]) for row in curve} == {(pairs, 10.0 + pairs) for pairs in (4, 8, 12)}
    (line,) = curve.plot().draw().axes[0].lines
    assert line.get_xydata().tolist() == [[4, 14], [8, 18], [12, 22]]
    assert [(row["series"], row["x"], row["y"]) for row in store.training("demo")] == [("a", 1, 3.0), ("a", 2, 1.5)]
    assert {row["x"] for row in store.curve("made", "examples")} == {1000, 12 * (1000 // 12)}


@pytest.mark.parametrize(
    ("ask", "remedy"),
    [
        (lambda store: store.partitions("dem"), "did you mean 'demo'"),
        (lambda store: store.partitions("demo", metric="blue"), "did you mean 'bleu'"),
        (lambda store: store.scores("blue", grid="demo").frame(), "did you mean 'bleu'"),
        (lambda store: store.scores("bleu", grid="demo").where(partition="sen").frame(), "did you mean 'seen'"),
        (lambda store: store.pairs("demo", "bas"), "did you mean 'base'"),
        (lambda store: store.compare("demo", "base", "c"), "use one of: a, b, base"),
        (lambda store: store.rank("demo", over="unsen"), "did you mean 'unseen'"),
        (lambda store: store.results("demo", "gaps"), "did you mean 'gap'"),
        (lambda store: store.curve("made", scope="sen"), "did you mean 'seen'"),
        (lambda store: store.curve("made", "exampels"), "did you mean 'examples'"),
        (lambda store: store.training("demo", "dev"), "Nothing in 'demo' has recorded dev"),
        (lambda store: store.partitions("demo", lines="domain=x"), "have no labels"),
    ],
)
def test_what_is_misspelt_is_an_error_with_the_nearest_name(
    store: NotebookStore, ask: Callable[[NotebookStore], Any], remedy: str
) -> None:
    with pytest.raises(StoreError, match=remedy):
        list(ask(store))


def test_the_handle_only_reads_unless_asked(store: NotebookStore) -> None:
    with pytest.raises(StoreError, match=r"open_store\(writable=True\)"):
        store.grids.add_metric("demo", "ter")
    with pytest.raises(StoreError, match="only reads"):
        store.blobs.put_translation([("text", "stop", 1)])
    with pytest.raises(StoreError, match="only reads"), store.transaction() as writing:
        writing.grids.add_metric("demo", "ter")
    with pytest.raises(StoreError, match="only reads"):
        store.blobs.remove(next(store.blobs.stored()))
    with store.snapshot() as snapshot:
        assert len(snapshot.partitions("demo")) > 3, "a snapshot has the same methods"
    opened = public.open_store(writable=True)
    opened.grids.add_metric("demo", "ter")
    opened.close()
    assert "ter" in metric_names(store, "demo")


def test_everything_shows_itself_shortly(store: NotebookStore, tmp_path: Path) -> None:
    assert repr(store).startswith("<Store sqlite:///") and "only read" in repr(store)
    assert "<td" in store._repr_html_() and "demo" in store._repr_html_()
    found = store.partitions("demo")
    assert repr(found).endswith(f": {len(found)} rows>") and "<td" in found._repr_html_()
    for each in (
        store.grids.get("demo"),
        *store.models.of_grid("made-12-pairs-draw1"),
        store.compare("demo", "a", "b").comparison,
    ):
        assert len(repr(each)) < 1500
    assert repr(store.scores("bleu", grid="demo").by("target")) == "<Scores of demo in bleu by target>"
    assert found.latex().startswith("% needs") and found.markdown().startswith("**demo")
    plot = found.plot()
    assert "<svg" in plot._repr_svg_()
    assert plot.save(tmp_path / "scores.svg").read_bytes() == plot.save(tmp_path / "again.svg").read_bytes()
    with pytest.raises(FigureError, match="names no form"):
        plot.save(tmp_path / "scores.jpeg")
    with pytest.raises(StoreError, match="one system"):
        type(store.pairs("demo", "a"))(store.results("demo", "pairs").table).plot()
