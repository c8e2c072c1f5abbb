"""Text decides about identities where it is read, all of it, and nothing else does."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dragoman.corpora.readers import digests
from dragoman.corpora.readers.files import WHOLE, Files
from dragoman.planning.plan import Plan
from dragoman.planning.planner import make_plan
from dragoman.settings import settings
from dragoman.spec.grid import GridSpec

METHOD = {"kind": "full", "learning_rate": 0.1, "steps": 1, "batch_tokens": 100}
Planned = Callable[..., Plan]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path / "home"))
    settings.cache_clear()


@pytest.fixture
def planned(tmp_path: Path) -> Planned:
    """Plans a grid of English and German; the base is a file of weights."""
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "model.safetensors").write_bytes(b"weights")

    def make(corpus: Any, test: Any = None, **method: Any) -> Plan:
        model = {"name": "m", "pairs": ["en-de"], "examples": 2, "method": {**METHOD, **method}}
        content = {
            "name": "g", "base": str(tmp_path / "base"), "languages": ["en", "de"], "corpus": corpus, "models": [model],
        }  # fmt: skip
        return make_plan(GridSpec.model_validate(content | ({"evaluation": {"corpus": test}} if test else {})))

    return make


def write(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def identities(plan: Plan) -> tuple[list[str], list[str]]:
    """The models' ids and the cells', without those cells that follow from another model."""
    return [training.identity.id for training in plan.trainings], [cell.id for cell in plan.cells()]


@pytest.fixture
def flores(tmp_path: Path) -> Path:
    for split in ("dev", "devtest"):
        for code in ("eng_Latn", "deu_Latn"):
            write(tmp_path / "flores" / split / f"{code}.{split}", f"{code} one", f"{code} two")
    return tmp_path / "flores"


@pytest.fixture
def train(tmp_path: Path) -> Path:
    return write(tmp_path / "train.tsv", "en\tde", "one\thana", "two\tdul")


def test_another_language_in_the_folder_changes_nothing(planned: Planned, flores: Path, train: Path) -> None:
    corpora = {"kind": "tsv", "path": str(train)}, {"kind": "flores200", "path": str(flores)}
    before = identities(planned(*corpora))
    for split in ("dev", "devtest"):
        write(flores / split / f"fra_Latn.{split}", "un", "deux")
    write(flores / "README.md", "What this is.")
    assert identities(planned(*corpora)) == before


def test_a_line_of_a_language_changes_its_cells(planned: Planned, flores: Path, train: Path) -> None:
    corpora = {"kind": "tsv", "path": str(train)}, {"kind": "flores200", "path": str(flores)}
    before = identities(planned(*corpora))
    write(flores / "devtest" / "deu_Latn.devtest", "deu_Latn one", "another")
    after = identities(planned(*corpora))
    assert after[0] == before[0]
    assert not set(after[1]) & set(before[1])


def test_training_text_is_no_part_of_a_test_set(planned: Planned, tmp_path: Path, train: Path) -> None:
    test = write(tmp_path / "test.tsv", "en\tde", "three\tset")
    corpus = {"kind": "tsv", "path": {"train": str(train), "test": str(test)}}
    before = planned(corpus)
    write(train, "en\tde", "one\thana", "two\ttwo")
    after = planned(corpus)
    assert after.test_set.id == before.test_set.id
    assert after.trainings[0].identity.id != before.trainings[0].identity.id
    write(test, "en\tde", "three\tthree")
    assert planned(corpus).trainings[0].identity.id == after.trainings[0].identity.id


def test_two_tables_are_two_test_sets_wherever_they_stand(planned: Planned, tmp_path: Path, train: Path) -> None:
    found = []
    for name in ("a/news.tsv", "b/news.tsv", "a/talks.tsv"):
        test = write(tmp_path / name, "en\tde", "three\tset")
        found.append(planned({"kind": "tsv", "path": {"train": str(train), "test": str(test)}}).test_set.id)
    assert found[0] == found[1] != found[2]


def test_wikimatrix_of_other_pairs_changes_nothing(planned: Planned, tmp_path: Path, flores: Path) -> None:
    folder, test = tmp_path / "wikimatrix", {"kind": "flores200", "path": str(flores)}
    write(folder / "WikiMatrix.de-en.tsv", "1.2\thana\tone", "1.1\tdul\ttwo")
    corpus = {"kind": "wikimatrix", "path": str(folder)}
    before = planned(corpus, test).trainings[0].identity.id
    write(folder / "WikiMatrix.en-fr.tsv", "1.2\tun\tone")
    assert planned(corpus, test).trainings[0].identity.id == before
    assert planned({**corpus, "margin": 1.05}, test).trainings[0].identity.id != before
    write(folder / "WikiMatrix.de-en.tsv", "1.2\tone\thana", "1.1\ttwo\tset")
    assert planned(corpus, test).trainings[0].identity.id != before


def test_opus_of_other_pairs_changes_nothing(planned: Planned, tmp_path: Path, flores: Path) -> None:
    folder, test = tmp_path / "opus", {"kind": "flores200", "path": str(flores)}
    for code in ("en", "de"):
        write(folder / f"Talks.de-en.{code}", f"{code} one", f"{code} two")
    corpus = {"kind": "opus-moses", "path": str(folder)}
    before = planned(corpus, test).trainings[0].identity.id
    for code in ("en", "fr"):
        write(folder / f"Talks.en-fr.{code}", f"{code} one")
    assert planned(corpus, test).trainings[0].identity.id == before
    for code in ("en", "de"):
        write(folder / f"Web.de-en.{code}", f"{code} three")
    assert planned(corpus, test).trainings[0].identity.id != before


def test_the_dev_split_counts_where_a_checkpoint_is_chosen_by_it(planned: Planned, tmp_path: Path, train: Path) -> None:
    for split in ("dev", "test"):
        write(tmp_path / f"{split}.tsv", "en\tde", "three\tset")
    corpus = {"kind": "tsv", "path": {name: str(tmp_path / f"{name}.tsv") for name in ("train", "dev", "test")}}
    selection = {"every": 1, "metric": "chrf", "sentences": 1}
    plain, chosen = planned(corpus), planned(corpus, selection=selection)
    write(tmp_path / "dev.tsv", "en\tde", "three\tthree")
    assert identities(planned(corpus)) == identities(plain)
    assert identities(planned(corpus, selection=selection))[0] != identities(chosen)[0]


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Larger than what the ends cover; of sentences that differ."""
    return write(tmp_path / "train.tsv", "en\tde", *(f"house {n} of the town\tjip {n} ui" for n in range(60_000)))


def edited(path: Path) -> None:
    """Another word in the middle: the same size, the same ends."""
    content = path.read_bytes()
    changed = content[:100_000] + content[100_000:-100_000].replace(b"house", b"mouse") + content[-100_000:]
    assert len(changed) == len(content)
    assert changed != content
    path.write_bytes(changed)


def test_the_middle_of_a_large_file_counts(planned: Planned, large: Path, flores: Path) -> None:
    assert large.stat().st_size > WHOLE
    corpora = {"kind": "tsv", "path": str(large)}, {"kind": "flores200", "path": str(flores)}
    before = planned(*corpora).trainings[0].identity.id
    edited(large)
    assert planned(*corpora).trainings[0].identity.id != before


def test_when_a_file_was_written_changes_nothing(planned: Planned, large: Path, flores: Path) -> None:
    corpora = {"kind": "tsv", "path": str(large)}, {"kind": "flores200", "path": str(flores)}
    before = identities(planned(*corpora))
    os.utime(large, (1, 1))
    assert identities(planned(*corpora)) == before


def test_a_large_file_is_hashed_once_and_again_when_it_has_changed(
    large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[int] = []
    stream = digests.stream_digest
    monkeypatch.setattr(digests, "stream_digest", lambda file: (hashed.append(1), stream(file))[1])
    monkeypatch.setattr(digests, "SETTLED", 0.0)
    time.sleep(0.01)
    first = Files("corpus.path", str(large), "").digest("train.tsv")
    assert Files("corpus.path", str(large), "").digest("train.tsv") == first
    assert len(hashed) == 1
    before = large.stat()
    edited(large)
    os.utime(large, ns=(before.st_atime_ns, before.st_mtime_ns))  # as if nobody had been at it
    assert Files("corpus.path", str(large), "").digest("train.tsv") != first
    assert len(hashed) == 2


def test_what_has_just_been_written_is_not_kept(large: Path) -> None:
    """Within a tick of the file system's clock it may change again without a sign."""
    Files("corpus.path", str(large), "").digest("train.tsv")
    assert not (settings().cache_dir / "digests").exists()
