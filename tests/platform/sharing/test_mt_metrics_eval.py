"""The folder that mt-metrics-eval reads: its rules, and back again as systems with the same scores."""

import re
from pathlib import Path

import pytest
from tests.platform.sharing.conftest import LINES, build

from dragoman.errors import StoreError
from dragoman.pair import Pair
from dragoman.planning.added_systems import add_system, baseline_of
from dragoman.sharing.file_names import file_name, file_names, language_pair
from dragoman.sharing.mt_metrics_eval import write_folders
from dragoman.store.records import CellRecord
from dragoman.store.store import Store


@pytest.fixture
def folder(shared_store: Store, tmp_path: Path) -> Path:
    write_folders(shared_store, "small", tmp_path / "wmt")
    return tmp_path / "wmt" / "tsv"


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_every_file_is_where_the_layout_has_it(folder: Path) -> None:
    """google-research/mt-metrics-eval, README.md, "File organization and naming convention" (read at 68a481a)."""
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    pair = r"[a-zA-Z_]+-[a-zA-Z_]+"
    rules = (
        rf"sources/{pair}\.txt", rf"references/{pair}\.[^.-]+\.txt", rf"documents/{pair}\.docs",
        rf"system-outputs/{pair}/[^/]+\.txt", rf"metric-scores/{pair}/[^/]+-[^-/.]+\.(sys|seg)\.score",
    )  # fmt: skip
    assert [name for name in found if not any(re.fullmatch(rule, name) for rule in rules)] == []
    assert {
        "sources/en-zh_Hans.txt",
        "system-outputs/de-en/b_2.txt",
        "metric-scores/de-en/chrf++-refA.seg.score",
    } <= found
    assert not any("fr-en" in name for name in found)  # it has no text
    assert "system-outputs/fr-de/b_2.txt" not in found  # it failed


def test_its_files_are_what_the_reader_asks_for(folder: Path) -> None:
    """The checks of `EvalSet` in mt_metrics_eval/data.py."""
    for path in (folder / "sources").iterdir():
        pair = path.stem
        count = len(lines(path))
        assert count == LINES == len(lines(folder / f"references/{pair}.refA.txt"))
        documents = [line.split() for line in lines(folder / f"documents/{pair}.docs")]
        assert all(len(each) == 2 for each in documents) and len(documents) == count
        names = [name for _, name in documents]
        assert len(dict.fromkeys(names)) == 3  # d0, d1 and d2
        assert sorted(range(count), key=lambda place: names.index(names[place])) == list(range(count))  # contiguous
        systems = {each.stem for each in (folder / "system-outputs" / pair).iterdir()}
        for scores in (folder / "metric-scores" / pair).iterdir():
            rows = [line.split() for line in lines(scores)]
            assert {system for system, _ in rows} == systems
            assert len(rows) == len(systems) * (1 if scores.name.endswith(".sys.score") else count)
            assert all(float(score) == float(score) for _, score in rows)


def test_added_as_systems_again_they_have_the_same_scores(folder: Path, tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/other.db", f"file://{tmp_path}/blobs")
    build(store)

    def scores(cells: list[CellRecord]) -> dict[Pair, list[object]]:
        return {each.cell.pair: store.cells.scores(each.cell.id) for each in cells if each.state.is_translated}

    for name, model in (("a", "model1-a"), ("b_2", "model1-b")):
        baseline = baseline_of(f"{name}-again", {"path": str(folder), "system": name}, "unknown")
        added = add_system(store, "small", baseline)
        again = scores(store.cells.of_grid("small", model=added.read.identity.id))
        assert again == scores(store.cells.of_grid("small", model=model)) and again
    store.close()


def test_sentence_scores_are_the_metrics_own_of_one_sentence(folder: Path) -> None:
    from sacrebleu import sentence_chrf

    rows = [line.split() for line in lines(folder / "metric-scores/de-en/chrf++-refA.seg.score")]
    own = [float(score) for system, score in rows if system == "a"]
    outputs = lines(folder / "system-outputs/de-en/a.txt")
    references = lines(folder / "references/de-en.refA.txt")
    due = [sentence_chrf(one, [two], word_order=2).score for one, two in zip(outputs, references, strict=True)]
    assert own == pytest.approx(due, rel=1e-12)


def test_nothing_is_left_of_a_folder_that_could_not_be_written(shared_store: Store, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("x")
    with pytest.raises(StoreError, match="is not empty"):
        write_folders(shared_store, "small", full)
    with pytest.raises(StoreError, match="is no folder"):
        write_folders(shared_store, "small", full / "mine.txt")
    with pytest.raises(StoreError, match="no grid"):
        write_folders(shared_store, "none", tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir() if "store" not in path.name) == ["full"]
    assert (full / "mine.txt").read_text() == "x"


def test_an_empty_folder_is_filled(shared_store: Store, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_folders(shared_store, "small", tmp_path / "empty")
    assert (tmp_path / "empty" / "tsv" / "sources").is_dir()


def test_names_of_files_are_safe_and_never_two_alike() -> None:
    assert language_pair(Pair("zh-Hans", "pt-PT")) == "zh_Hans-pt_PT"
    assert file_name("org/model: a b") == "org_model__a_b"
    assert file_name("../../etc") == file_name("../../etc") and not file_name("../../etc").startswith(".")
    assert file_name("") and len(file_name("x" * 300)) <= 80 and file_name("x" * 300) != file_name("x" * 301)
    found = file_names([(1, "A b"), (2, "a b"), (3, "a_b")])
    assert len({name.casefold() for name in found.values()}) == 3
