"""Every example plans as it stands, against small files in the layouts it names."""

import gzip
import json
import sys
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import langcodes
import pytest

from dragoman import settings as settings_module
from dragoman.cli import main as command_line
from dragoman.partition import Partition
from dragoman.planning.manifest import Manifest
from dragoman.planning.plan import Plan
from dragoman.planning.planner import make_plan
from dragoman.spec.loading import load_campaign

EXAMPLES = Path(__file__).parents[3] / "examples"
LANGUAGES = ["en", "de", "fr", "ca", "fi", "ru", "bg", "zh", "ko", "ar", "sw", "hi", "ta"]
ABSENT = {("ko", "sw"), ("hi", "sw"), ("sw", "ta")}
"""The pairs that WikiMatrix does not have."""

LINES = 30
WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def _sentence(language: str, number: int, split: str) -> str:
    """A sentence of its own: text of one split shares nothing with that of another."""
    digits = " ".join(WORDS[int(digit)] for digit in str(number))
    return f"{split} sentence {digits} in {language} {split} {language}"


def _wikimatrix(folder: Path) -> None:
    folder.mkdir(parents=True)
    for one, other in combinations(sorted(LANGUAGES), 2):
        if (one, other) not in ABSENT:
            rows = (
                f"{1.3 - number / 100:.4f}\t{_sentence(one, number, 'train')}\t{_sentence(other, number, 'train')}\n"
                for number in range(LINES)
            )
            with gzip.open(folder / f"WikiMatrix.{one}-{other}.tsv.gz", "wt", encoding="utf-8") as file:
                file.writelines(rows)


def _flores(folder: Path, name: Callable[[str], str]) -> None:
    for split in ("dev", "devtest"):
        (folder / split).mkdir(parents=True)
        for language in LANGUAGES:
            text = "".join(f"{_sentence(language, number, split)}\n" for number in range(12))
            (folder / split / f"{name(language)}.{split}").write_text(text)


def _opus100(folder: Path) -> None:
    for language in ("de", "fr", "ru", "zh", "ar"):
        pair = "-".join(sorted(["en", language]))
        (folder / "supervised" / pair).mkdir(parents=True)
        for side in ("en", language):
            text = "".join(f"{_sentence(side, number, 'train')}\n" for number in range(LINES))
            (folder / "supervised" / pair / f"opus.{pair}-train.{side}").write_text(text)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    _wikimatrix(folder / "data" / "wikimatrix")
    _flores(folder / "data" / "flores101_dataset", lambda tag: langcodes.Language.get(tag).to_alpha3())
    _flores(
        folder / "data" / "flores200_dataset",
        lambda tag: f"{langcodes.Language.get(tag).to_alpha3()}_{langcodes.Language.get(tag).maximize().script}",
    )
    _opus100(folder / "data" / "opus100")
    return folder


@pytest.fixture
def plans(data: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[Plan]]:
    monkeypatch.chdir(data)
    return lambda name: [make_plan(grid) for grid in load_campaign(EXAMPLES / f"{name}.yaml").grids]


@pytest.mark.parametrize(
    "name", sorted(file.stem for file in EXAMPLES.glob("*.yaml") if not file.stem.endswith("-claims"))
)
def test_the_manifest_of_every_example_is_read_as_it_was_written(plans: Callable[[str], list[Plan]], name: str) -> None:
    for plan in plans(name):
        assert Manifest.model_validate_json(Manifest(plan=plan).model_dump_json()).plan == _as_written(plan)


def _as_written(plan: Plan) -> Plan:
    """The plan without its earlier identities, which are looked up in the store before the manifest is written."""
    alone = {"former": None}
    trainings = [
        each.model_copy(update={"identity": each.identity.model_copy(update=alone)}) for each in plan.trainings
    ]
    baselines = [
        each.model_copy(update={"identity": each.identity.model_copy(update=alone)}) for each in plan.baselines
    ]
    base = plan.base.model_copy(update=alone)
    return plan.model_copy(update={"base": base, "trainings": tuple(trainings), "baselines": tuple(baselines)})


def test_the_papers_grid(plans: Callable[[str], list[Plan]]) -> None:
    (plan,) = plans("mfti-xglm-7.5b")
    assert len(plan.pairs) == 156
    assert plan.missing == {}
    (training,) = plan.trainings
    assert {str(pair) for pair in training.missing} == {"ko-sw", "sw-ko", "sw-hi"}  # three of the six are trained
    assert len(training.pairs) + len(training.missing) == 22
    # what the paper's own code counts, whatever text there is
    design = {partition.value: count for partition, count in plan.partitions(training, design=True).items()}
    assert design == {
        "seen": 22, "reversed": 16, "one_sided": 4, "unseen_source": 42, "unseen_target": 42, "unseen_both": 30,
    }  # fmt: skip
    assert sum(plan.partitions(training).values()) == 156
    assert [(model.name, prompt.label) for model, prompt in plan.asked] == [
        ("base", "mfti-translation"), ("base", "mfti-8-shot"), ("mfti", "mfti-translation"),
    ]  # fmt: skip
    assert len(list(plan.cells())) == 3 * 156


def test_an_instruction_model(plans: Callable[[str], list[Plan]]) -> None:
    (plan,) = plans("english-centric-qwen")
    assert [training.identity.name for training in plan.trainings] == [f"english-centric-seed{n}" for n in (1, 2, 3)]
    assert len({training.identity.id for training in plan.trainings}) == 3
    assert plan.trainings[0].prompt.id == plan.prompts[0].id
    assert [(model.name, prompt.label) for model, prompt in plan.asked if prompt.shots] == [("base", "chat-5-shot")]
    assert plan.partitions(plan.trainings[0]) == {Partition.SEEN: 10, Partition.RECOMBINED: 20}


def test_a_series_of_sizes(plans: Callable[[str], list[Plan]]) -> None:
    found = plans("size-series")
    assert [plan.spec.base.model for plan in found] == [
        f"facebook/xglm-{size}" for size in ("564M", "1.7B", "2.9B", "4.5B", "7.5B")
    ]
    assert len({cell.id for plan in found for cell in plan.cells()}) == 5 * 2 * 42


def test_numbers_of_pairs(plans: Callable[[str], list[Plan]]) -> None:
    found = plans("number-of-pairs")
    assert [len(plan.trainings[0].pairs) for plan in found] == [4, 4, 10, 10, 20, 20, 42, 42]
    base = {cell.id for cell in found[0].cells() if cell.model == found[0].base.id}
    for plan in found:  # the base's cells are shared: they are translated once
        assert base <= {cell.id for cell in plan.cells()}


CELLS = {"mfti-xglm-7.5b": 3 * 156, "english-centric-qwen": 5 * 30, "size-series": 5 * 2 * 42}


@pytest.mark.parametrize("name", CELLS)
def test_the_command_plans_it(
    name: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(data)
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path / "home"))
    settings_module.settings.cache_clear()
    monkeypatch.setattr(sys, "argv", ["dragoman", "plan", str(EXAMPLES / f"{name}.yaml"), "--json"])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    settings_module.settings.cache_clear()
    assert not ended.value.code
    tables: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert sum(row["cells"] for row in tables["cells"]) == CELLS[name]
    assert ("grid" in tables["cells"][0]) is (name == "size-series")
    if name == "mfti-xglm-7.5b":
        missing = {row["pair"] for row in tables["missing"] if row["text"] == "training"}
        assert missing == {"ko-sw", "sw-ko", "hi-sw", "sw-hi", "sw-ta", "ta-sw"}
