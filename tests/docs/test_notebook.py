"""docs/figures-of-a-paper.ipynb: it runs, on a made grid, and draws the figures that are stored beside this test.

The stored figures were drawn by this test from its own made scores, and looked at. One that is missing is drawn into
its place, and the test fails until it is looked at and kept.
"""

import base64
import importlib.util
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from PIL import Image

from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.segment import Segment
from dragoman.settings import settings
from dragoman.store.records import ModelRecord
from dragoman.store.store import Store
from dragoman.testing import GridBuilder, random_score

DOCS = Path(__file__).parents[2] / "docs"
NOTEBOOK = DOCS / "figures-of-a-paper.ipynb"
STORED = Path(__file__).parent / "figures"
LANGUAGES = ("ar", "de", "en", "fi", "fr", "ru")
GRAPHS = {
    "base": TrainingGraph(),
    "english-centric": TrainingGraph.of([pair for pair in all_pairs(LANGUAGES) if "en" in pair], 700),
    "roles": TrainingGraph.of([Pair(source, target) for source in ("fr", "de") for target in ("en", "ru")], 980),
}
LINES = [Segment(f"sentence {number}", f"Satz {number}") for number in range(20)]
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
RASTER = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)")


def notebooks() -> Any:
    """The script that runs the notebooks."""
    spec = importlib.util.spec_from_file_location("notebook", DOCS / "notebook.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Path]]:
    """The notebook with the outputs of a run on the made grid, and the folder that it ran in."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("figures")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRAGOMAN_HOME", str(home))
        settings.cache_clear()
        store = Store.open(settings().store_url, settings().blobs_url)
        models = [
            ModelRecord(id=name, name=name, parent="base" if name != "base" else None, base="base", graph=graph)
            for name, graph in GRAPHS.items()
        ]
        pairs = all_pairs(LANGUAGES)
        grid = GridBuilder(
            store, models, pairs, name="demo", metrics=("bleu", "off_target"), names={name: name for name in GRAPHS},
            lines=dict.fromkeys(pairs, LINES),
        ).add()  # fmt: skip
        for record in grid.cells:
            model, pair = record.cell.model, record.cell.pair
            quality = 0.15 + 0.3 * (pair.target in GRAPHS[model].targets) + 0.4 * (pair in GRAPHS[model].pairs)
            scores = [
                random_score(metric, model, pair, segments=20, quality=quality, signature="v1")
                for metric in grid.grid.metrics
            ]
            grid.translate(record.cell, scores, hypotheses=[(f"{model} {n}", "stop", 2) for n in range(20)])
        for model in ("english-centric", "roles"):
            losses = [[step, 5 / step + 0.1 * (step % 3), 0.001] for step in range(1, 61)]
            store.models.add_training(model, {"losses": losses, "dev": []})
        store.close()
        yield notebooks().executed(NOTEBOOK, home, folder), folder
    settings.cache_clear()


@pytest.mark.slow
def test_it_runs_and_draws_the_stored_figures(run: tuple[Any, Path]) -> None:
    notebook, folder = run
    kept = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert [cell.source for cell in notebook.cells] == [cell.source for cell in kept.cells]
    shapes = [
        [[sorted(output.get("data", {"text": ""})) for output in cell.get("outputs", [])] for cell in each.cells]
        for each in (notebook, kept)
    ]
    assert shapes[0] == shapes[1], "the outputs that the page shows are of the kinds that a run gives"
    figures = sorted(folder.glob("*.svg"))
    assert len(figures) == 5 and all(path.with_suffix(".pdf").read_bytes().startswith(b"%PDF") for path in figures)
    drawn = []
    for path in figures:
        stored = STORED / path.name
        if not stored.exists():
            STORED.mkdir(exist_ok=True)
            stored.write_bytes(path.read_bytes())
            drawn.append(stored.name)
        assert_alike(path.read_text(), stored.read_text())
    assert not drawn, f"look at them, and keep them: {drawn}"


def assert_alike(one: str, other: str) -> None:
    """Compare figures: the same elements and texts, numbers within half a unit, pictures within two levels of grey."""
    rasters = [
        [np.asarray(Image.open(io.BytesIO(base64.b64decode(each))), np.int16) for each in RASTER.findall(svg)]
        for svg in (one, other)
    ]
    assert len(rasters[0]) == len(rasters[1])
    for first, second in zip(*rasters, strict=True):
        assert first.shape == second.shape and np.abs(first - second).max(initial=0) <= 2
    one, other = (RASTER.sub("", svg) for svg in (one, other))
    assert NUMBER.sub("0", one) == NUMBER.sub("0", other)
    numbers = [np.array(NUMBER.findall(svg), np.float64) for svg in (one, other)]
    np.testing.assert_allclose(numbers[0], numbers[1], atol=0.5)


def test_a_figure_of_other_numbers_is_noticed() -> None:
    with pytest.raises(AssertionError):
        assert_alike('<text x="1">7.5</text>', '<text x="1">9.5</text>')
    assert_alike('<path d="M 1 2.01"/>', '<path d="M 1 2.02"/>')


def test_the_page_shows_what_the_notebook_holds() -> None:
    text = NOTEBOOK.read_text()
    assert "/home/" not in text and "/tmp/" not in text
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert all(cell.outputs for cell in cells if cell.cell_type == "code"), "it is kept with its outputs"
