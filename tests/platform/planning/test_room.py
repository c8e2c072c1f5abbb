"""Test sentences that models have no room for are known before anything runs, and can be left out for all."""

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from dragoman.errors import SpecError
from dragoman.pair import Pair
from dragoman.planning.planner import make_plan
from dragoman.planning.room import room
from dragoman.reports.plan_lines import too_long
from dragoman.spec.grid import GridSpec

POSITIONS, WRITTEN = 30, 10
EN_DE, DE_EN = Pair("en", "de"), Pair("de", "en")


def model(folder: Path, positions: int) -> str:
    folder.mkdir()
    tokenizer = Tokenizer(WordLevel({"?": 0, f"{folder}": 1}, unk_token="?"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps({"model_type": "xglm", "max_position_embeddings": positions}))
    (folder / "model.safetensors").write_bytes(str(positions).encode())
    return str(folder)


@pytest.fixture
def spec(tmp_path: Path) -> dict[str, Any]:
    """English sentences of 5, 19, 20 and 25 words; all German ones have 5."""
    lines = [f"{' '.join(['word'] * words)}\t{' '.join(['Wort'] * 5)}" for words in (5, 19, 20, 25)]
    (tmp_path / "test.tsv").write_text("\n".join(["en\tde", *lines, ""]))
    return {
        "name": "g", "base": model(tmp_path / "base", POSITIONS), "languages": ["en", "de"],
        "corpus": {"kind": "tsv", "path": {"test": str(tmp_path / "test.tsv")}}, "prompt": "{source} =>",
        "evaluation": {"decoding": {"max_new_tokens": WRITTEN}, "metrics": ["bleu"]},
    }  # fmt: skip


def plan_of(spec: dict[str, Any], **evaluation: Any) -> Any:
    return make_plan(GridSpec.model_validate({**spec, "evaluation": {**spec["evaluation"], **evaluation}}))


def test_the_plan_says_which_sentences_have_no_room(spec: dict[str, Any]) -> None:
    plan = plan_of(spec)
    (found,) = room(plan).found
    assert found.lacking == {EN_DE: {3: 21, 4: 26}}  # 19 words, the arrow and 10 new tokens are just 30
    assert (found.written, found.positions, [each.name for each in found.models]) == (WRITTEN, POSITIONS, ["base"])
    (row,) = too_long(plan).rows
    assert (row["pair"], row["sentences"], row["of"], row["line"], row["lines"]) == ("en-de", 2, 4, 3, [3, 4])
    assert "They count as empty translations" in too_long(plan).notes[0]
    assert not plan.first.left_out


def test_each_prompt_and_model_has_its_own_room(spec: dict[str, Any], tmp_path: Path) -> None:
    spec["baselines"] = [{"name": "wide", "model": model(tmp_path / "wide", 35), "trained_on": "nothing"}]
    plan = plan_of(spec, prompts=["{source} =>", {"template": "a b c d {source} =>", "models": ["base"], "name": "x"}])
    found = {(each.models[0].name, each.prompt.label): each.lacking for each in room(plan).found}
    assert found == {
        ("base", "prompt"): {EN_DE: {3: 21, 4: 26}},
        ("base", "x"): {EN_DE: {2: 24, 3: 25, 4: 30}},
        ("wide", "prompt"): {EN_DE: {4: 26}},
    }
    assert room(plan).lines == {EN_DE: (2, 3, 4)}


def test_lines_left_out_are_left_out_for_all_and_make_another_test_set(spec: dict[str, Any]) -> None:
    whole, less = plan_of(spec), plan_of(spec, too_long="leave_out")
    assert less.first.left_out == {EN_DE: (3, 4)}
    assert less.contents[EN_DE] != whole.contents[EN_DE]
    assert less.contents[DE_EN] == whole.contents[DE_EN]
    assert less.test_set.id != whole.test_set.id
    assert "without 2 long lines" in less.test_set.revision
    assert not {cell.id for cell in less.cells()} & {cell.id for cell in whole.cells()}
    assert (
        less.first.tested.id == whole.first.tested.id
    )  # models that leave test sentences out of their text stay the same
    assert less.decoding_of(less.base.id).too_long == "fail"


def test_nothing_to_leave_out_changes_nothing(spec: dict[str, Any]) -> None:
    wide = {"max_new_tokens": 1}
    plan = plan_of(spec, decoding=wide)
    assert [cell.id for cell in plan_of(spec, decoding=wide, too_long="leave_out").cells()] == [
        cell.id for cell in plan.cells()
    ]


def test_only_cutting_makes_other_cells_of_the_same_lines(spec: dict[str, Any]) -> None:
    ids = {choice: {cell.id for cell in plan_of(spec, too_long=choice).cells()} for choice in ("empty", "fail", "cut")}
    assert ids["empty"] == ids["fail"] == {cell.id for cell in plan_of(spec).cells()}
    assert not ids["cut"] & ids["empty"]


def test_a_pair_that_nothing_is_left_of_is_missing(spec: dict[str, Any]) -> None:
    plan = plan_of(spec, too_long="leave_out", decoding={"max_new_tokens": 24})
    assert plan.first.left_out[EN_DE] == (2, 3, 4)
    plan = plan_of(spec, too_long="leave_out", decoding={"max_new_tokens": 26})
    assert EN_DE not in plan.contents
    assert "has room for any of its 4 sentences" in plan.missing[EN_DE]


def test_where_nobody_can_tell_leaving_out_is_refused(spec: dict[str, Any]) -> None:
    (Path(spec["base"]) / "config.json").unlink()
    assert room(plan_of(spec)).unknown == ["base: its tokenizer.json and config.json are not on this machine"]
    with pytest.raises(SpecError, match="too_long is leave_out, and which sentences have no room can't be told"):
        plan_of(spec, too_long="leave_out")
