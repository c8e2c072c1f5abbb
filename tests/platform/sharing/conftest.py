"""A small grid with real texts and scores, and its bundle."""

import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from dragoman.pair import Pair
from dragoman.partition import TrainingGraph
from dragoman.segment import Located, Segment
from dragoman.sharing.bundle import layout
from dragoman.sharing.bundle.container import BundleWriter
from dragoman.sharing.bundle.writing import write_bundle
from dragoman.store.line_keys import LineKeys
from dragoman.store.maintenance.rescoring import rescore
from dragoman.store.records import ModelRecord, PromptRecord, TestSetRecord
from dragoman.store.store import Store
from dragoman.testing.grid_builder import GridBuilder

WORDS = {
    "de": ["der", "Hund", "sieht", "eine", "rote", "Katze", "am", "alten", "Haus", "und", "bellt", "sehr", "laut"],
    "en": ["the", "dog", "sees", "a", "red", "cat", "by", "the", "old", "house", "and", "barks", "very", "loudly"],
    "fr": ["le", "chien", "voit", "un", "chat", "rouge", "près", "de", "la", "vieille", "maison", "et", "aboie"],
    "zh-Hans": [*"狗在老房子旁边看到一只红猫并且大声吠叫"],
}
PAIRS = [
    Pair("de", "en"),
    Pair("en", "de"),
    Pair("en", "fr"),
    Pair("fr", "de"),
    Pair("en", "zh-Hans"),
    Pair("fr", "en"),
]
LINES = 7
METRICS = ("bleu", "chrf++", "ter")
GRAPHS = {"a": [Pair("de", "en"), Pair("en", "fr")], "b/2": [Pair("en", "de")]}


def sentence(language: str, number: int) -> str:
    joint = "" if language == "zh-Hans" else " "
    words = np.random.default_rng(number).permutation(WORDS[language]).tolist()
    return joint.join(words[: 6 + number % 4])


def translation(language: str, number: int, model: str) -> str:
    """The reference with some words left out: by the base the most."""
    rng = np.random.default_rng([number, len(model), ord(model[0])])
    joint = "" if language == "zh-Hans" else " "
    words = [*sentence(language, number)] if language == "zh-Hans" else sentence(language, number).split()
    kept = [word for word in words if rng.random() < {"base": 0.5, "a": 0.9, "b/2": 0.7}[model]]
    return joint.join(kept)


def build(store: Store, name: str = "small") -> GridBuilder:
    """A grid of three models on six pairs, one of them without text, one cell failed, scored from its texts."""
    base = ModelRecord(id="model1-base", name="xglm", recipe={"model": "x"}, graph=TrainingGraph())
    tuned = [
        ModelRecord(
            id=f"model1-{model[0]}", name=model, parent=base.id, base=base.id, recipe={model: 1},
            graph=TrainingGraph.of(pairs, 10),
        )
        for model, pairs in GRAPHS.items()
    ]  # fmt: skip
    lines = {
        pair: [Segment(sentence(pair.source, number), sentence(pair.target, number)) for number in range(LINES)]
        for pair in PAIRS[:-1]
    }
    grid = GridBuilder(
        store, [base, *tuned], PAIRS, name=name, metrics=METRICS, lines=lines,
        test_set=TestSetRecord(id="test1-a", corpus="tsv", revision="r1", split="test", sentences=LINES),
        prompt=PromptRecord(id="prompt1-a", template="{source}"),
    ).add()  # fmt: skip
    names = {"model1-base": "base", "model1-a": "a", "model1-b": "b/2"}
    for record in grid.cells:
        cell = record.cell
        if record.state.is_translated or record.test is None:
            continue
        if cell.model == "model1-b" and cell.pair == Pair("fr", "de"):
            grid.fail(cell, "no room in /home/ann/models")
            continue
        texts = [translation(cell.pair.target, number, names[cell.model]) for number in range(LINES)]
        grid.translate(cell, [], hypotheses=[(text, "stop", 3) for text in texts])
    keys = {
        (cell.cell.pair, cell.cell.content): LineKeys.of(
            cell.cell.pair, [Located(each, row, f"d{row // 3}") for row, each in enumerate(lines[cell.cell.pair])]
        )
        for cell in grid.cells
        if cell.test
    }
    store.conditions.add_keys("test1-a", keys)
    rescore(store, name, METRICS)
    return grid


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the grid `small`."""
    folder = tmp_path_factory.mktemp("shared")
    store = Store.open(f"sqlite:///{folder}/store.db", f"file://{folder}/blobs")
    build(store)
    store.close()
    return folder


@pytest.fixture
def shared_store(home: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{home}/store.db", f"file://{home}/blobs")
    yield store
    store.close()


@pytest.fixture(scope="session")
def bundle_file(home: Path) -> Path:
    """Its bundle."""
    store = Store.open(f"sqlite:///{home}/store.db", f"file://{home}/blobs")
    write_bundle(store, "small", home / "small.tar")
    store.close()
    return home / "small.tar"


Change = Callable[[dict[str, list[str]]], object]


def forge(path: Path, change: Change, forged: Path) -> Path:
    """A bundle with its members changed by somebody who makes all hashes anew."""
    with tarfile.open(path) as archive:
        members = {
            member.name: archive.extractfile(member).read().decode().removesuffix("\n").split("\n")  # type: ignore[union-attr]
            for member in archive.getmembers()
        }
    for name in (layout.CHECKSUMS, layout.SUMS, layout.ROOT):
        del members[name]
    change(members)
    with BundleWriter(forged) as writer:
        for name, lines in members.items():
            writer.add(name, [] if lines == [""] else lines)
    return forged


@pytest.fixture
def forged(bundle_file: Path, tmp_path: Path) -> Callable[[Change], Path]:
    """The bundle of the grid `small`, changed."""
    return lambda change: forge(bundle_file, change, tmp_path / "forged.tar")
