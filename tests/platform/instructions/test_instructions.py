"""What instructions make of translations: planted languages, scores and likelihoods come out as they were planted."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import ttest_1samp
from tests.fixtures.commands import Outcome
from tests.fixtures.commands import dragoman as dragoman
from tests.platform.instructions.conftest import LINES, InstructionGrid

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.errors import SpecError, StoreError
from dragoman.figures import FigureForm, figure_bytes
from dragoman.instructions.languages import share_findings
from dragoman.instructions.likelihoods import worths
from dragoman.instructions.quality import quality_findings
from dragoman.instructions.variants import families, family_of, variants
from dragoman.pair import Pair
from dragoman.reports.analyses import ANALYSES
from dragoman.reports.instructions import instructions_report
from dragoman.spec.prompt import Prompt

QUESTION = ScoreQuestion("g", "bleu")


@pytest.fixture
def planted(instruction_grid: InstructionGrid) -> InstructionGrid:
    """`it` obeys every instruction and copies without one; the base answers in English whatever it is told."""
    grid = instruction_grid
    wrong = family_of(grid.store, "g").variants["wrong"]
    grid.translate("model1-it", "right", lambda pair: pair.target, right=9)
    grid.translate("model1-it", "none", lambda pair: pair.source, right=0)
    grid.translate("model1-it", "wrong", lambda pair: wrong.named_target(pair), right=3)
    for instruction in ("right", "none", "wrong"):
        grid.translate("model1-base", instruction, lambda pair: "en", right=2)
    return grid


def test_prompts_that_differ_in_the_instruction_alone_are_one_family(instruction_grid: InstructionGrid) -> None:
    (family,) = families(instruction_grid.store, "g")
    assert family.asked == {
        "right": "mfti", "none": "mfti-none-instruction", "wrong": "mfti-wrong-instruction",
    }  # fmt: skip
    for instruction, prompt in zip(("right", "none", "wrong"), instruction_grid.prompts, strict=True):
        assert family.variants[instruction].id == prompt.id, "what a grid asked with is found again"  # type: ignore[index]
    assert family_of(instruction_grid.store, "g", "mfti-none-instruction") == family
    with pytest.raises(StoreError, match="no prompt 'mfty'"):
        family_of(instruction_grid.store, "g", "mfty")


def test_variants_keep_all_but_the_instruction() -> None:
    prompt = Prompt(template="mfti", names="native", shots=2)
    for instruction, each in variants(prompt, ["en", "de", "fr"]).items():
        assert (each.instruction, each.names, each.shots) == (instruction, "native", 2)
    named = variants(prompt, ["en", "de", "fr"])["wrong"]
    assert named.named_target(Pair("en", "de")) == "fr"
    with pytest.raises(SpecError, match="needs a third language"):
        variants(prompt, ["en", "de"])["wrong"].named_target(Pair("en", "de"))


def test_languages_are_those_that_were_planted(planted: InstructionGrid) -> None:
    family = family_of(planted.store, "g")
    found = {
        (each.model, each.instruction, each.scope): each
        for each in share_findings(planted.store, QUESTION, family, models=("base", "it"))
    }
    right, none, wrong = (found["it", each, "all"] for each in ("right", "none", "wrong"))
    assert (right.estimate, right.named, right.source, right.reference, right.n) == (100, 100, 0, 100, 12)
    assert (none.estimate, none.named, none.source, none.other) == (0, None, 100, 0)
    assert (wrong.estimate, wrong.named, wrong.source, wrong.other) == (0, 100, 0, 100)
    assert none.change == -100 and none.p is not None and none.p < 0.001
    base = found["base", "right", "all"]
    assert base.estimate == pytest.approx(25) and base.source == pytest.approx(25), "3 of 12 pairs each"
    assert found["base", "wrong", "all"].change == 0
    assert found["it", "right", "seen"].n == 2


def test_quality_is_tested_in_pairs(planted: InstructionGrid) -> None:
    family = family_of(planted.store, "g")
    found = {
        (each.model, each.over, each.scope): each
        for each in quality_findings(planted.store, QUESTION, family, models=("base", "it"))
    }
    none, wrong = found["it", "none", "all"], found["it", "wrong", "all"]
    assert none.n == wrong.n == 12 and none.right == wrong.right > wrong.other > none.other
    assert none.estimate == pytest.approx(none.right - none.other)
    for each in (none, wrong):
        assert each.p is not None and each.p < 0.05 and each.low is not None and each.low > 0
    base = found["base", "wrong", "all"]
    assert (base.estimate, base.p) == (0, 1)


def test_worth_of_the_instruction_is_what_was_planted(instruction_grid: InstructionGrid) -> None:
    grid, rng = instruction_grid, np.random.default_rng(3)
    noise = rng.normal(size=LINES)
    noise -= noise.mean()
    grid.likelihood("model1-it", "right", lambda pair, row: -10.0)
    grid.likelihood("model1-it", "none", lambda pair, row: -20.0 - noise[row])
    grid.likelihood("model1-it", "wrong", lambda pair, row: -15.0 if pair.target == "en" else -10.0)
    found = worths(grid.store, "g", family_of(grid.store, "g"))
    scopes = {(each.model, each.over, each.scope): each for each in found.scopes}
    none = scopes["it", "none", "all"]
    assert none.estimate == pytest.approx(2), "10 nats over 5 tokens"
    assert (none.right, none.other) == (pytest.approx(-2), pytest.approx(-4))
    assert (none.n, none.sentences, none.tokens) == (12, LINES, 12 * LINES * 5), "the same sentences in all pairs"
    # all pairs have the same differences, so that the test is the t-test of one of them
    expected = ttest_1samp((10 + noise) / 5, 0)
    interval = expected.confidence_interval(0.95)
    assert (none.low, none.high) == (pytest.approx(interval.low), pytest.approx(interval.high))
    assert none.p == pytest.approx(expected.pvalue)
    assert scopes["it", "wrong", "all"].estimate == pytest.approx(0.25), "1 nat on a quarter of the pairs"
    pairs = {(each.over, each.scope): each.estimate for each in found.pairs}
    assert pairs["wrong", "ru-en"] == pytest.approx(1) and pairs["wrong", "ru-ar"] == pytest.approx(0)
    assert not any(each.model == "base" for each in found.scopes)


def test_a_reference_without_room_is_in_no_mean(instruction_grid: InstructionGrid) -> None:
    grid = instruction_grid
    grid.likelihood("model1-it", "right", lambda pair, row: -10.0)
    grid.likelihood("model1-it", "none", lambda pair, row: 0.0, tokens=0)
    assert worths(grid.store, "g", family_of(grid.store, "g")).scopes == []


def test_the_report_and_the_command(planted: InstructionGrid, dragoman: Callable[..., Outcome]) -> None:
    planted.likelihood("model1-it", "right", lambda pair, row: -10.0)
    planted.likelihood("model1-it", "none", lambda pair, row: -20.0)
    report = ANALYSES["instructions"].report(planted.store, {"grid": "g"})
    rows = {table.name: len(table.rows) for table in report.captioned}
    assert all(rows[name] for name in ("quality", "languages", "likelihood", "likelihood_pairs"))
    assert [drawing.name for drawing in report.drawings] == ["languages", "quality", "likelihood"]
    for drawing in report.drawings:
        assert figure_bytes(drawing.draw, FigureForm.SVG) == figure_bytes(drawing.draw, FigureForm.SVG)
    for form in ("--json", "--csv", "--markdown", "--latex"):
        outcome = dragoman("instructions", "g", form)
        assert outcome.code == 0 and outcome.out
    assert "language named" in dragoman("instructions", "g", "--table", "languages").out
    asked = dragoman("instructions", "g", "--model", "bas")
    assert asked.code == 2 and "no model 'bas'" in asked.err


def test_a_grid_that_asks_one_way_is_told_what_to_do(campaign: object) -> None:
    from dragoman.partition import TrainingGraph

    store = campaign.fill({"base": TrainingGraph()}, [Pair("de", "en")])  # type: ignore[attr-defined]
    with pytest.raises(StoreError, match="says nothing of its prompts"):
        instructions_report(store, QUESTION)


def test_one_instruction_without_likelihoods_is_refused_with_the_remedy(instruction_grid: InstructionGrid) -> None:
    with pytest.raises(StoreError, match=r"no likelihood of its references is stored: .* `dragoman likelihood g`"):
        instructions_report(instruction_grid.store, QUESTION, likelihood_alone=True)
