"""Claims about alignment and likelihood: what was planted is found, and what is not stored is a reason."""

import numpy as np
import pytest
from tests.platform.alignment.conftest import AlignedGrid
from tests.platform.alignment.conftest import aligned_grid as aligned_grid
from tests.platform.alignment.conftest import planted as planted
from tests.platform.claims.test_language_questions import ask
from tests.platform.instructions.conftest import LINES, InstructionGrid
from tests.platform.instructions.conftest import instruction_grid as instruction_grid

from dragoman.claims import Verdict


def test_planted_alignment_is_found_and_others_are_not(planted: AlignedGrid) -> None:
    score, gain = {"question": "alignment-score"}, {"question": "alignment-gain", "layer": 1}
    found = ask(
        planted.store, "g", score | {"layer": 1}, score | {"layer": 1, "of": "gain"}, gain, gain | {"value": 0.2},
        score | {"layer": 0},
    )  # fmt: skip
    assert [answer.verdict.value for answer in found] == ["holds", "holds", "holds", "fails", "fails"]
    assert found[0].finding.estimate == pytest.approx(1) and found[1].finding.estimate == pytest.approx(1)
    assert found[2].finding.estimate == pytest.approx(0.1, abs=0.01) and found[3].why == "It is below 0.2."
    assert [answer.finding.n for answer in found] == [8] * 5
    assert found[0].finding.of_what == "languages, of means over 1 aligned model in layer 1"
    assert len({answer.finding.cells for answer in found}) == 2, "layer 1, and layer 0"


def test_the_default_layer_is_that_of_the_most_alike(planted: AlignedGrid) -> None:
    by_default, by_error = ask(
        planted.store, "g", {"question": "alignment-score"}, {"question": "alignment-score", "measure": "xsim"}
    )
    alike = by_default.finding.of_what[-1]
    (named,) = ask(planted.store, "g", {"question": "alignment-score", "layer": int(alike)})
    assert named.finding == by_default.finding and by_error.finding.of_what[-1] == alike
    assert by_error.finding.estimate == pytest.approx(-by_default.finding.estimate), "of an error the sign is turned"


@pytest.mark.parametrize(
    ("claim", "sentence"),
    [
        ({"measure": "ckaa"}, "no measure 'ckaa' of alignment; did you mean 'cka'"),
        ({"layer": 7}, r"There is no layer 7 that all models are aligned in: they have \[0, 1\]"),
        ({"pooling": "position-weighted"}, "No alignment of 'g' is measured yet: `dragoman align g` does it"),
        ({"value": 0.5}, "claim the direction alone"),
        ({"partition": "seen-before"}, "is no partition"),
    ],
)
def test_what_is_not_measured_is_a_reason(planted: AlignedGrid, claim: dict[str, object], sentence: str) -> None:
    (found,) = ask(planted.store, "g", {"question": "alignment-score", **claim})
    assert found.verdict is Verdict.TOO_FEW
    with pytest.raises(AssertionError, match=sentence):
        raise AssertionError(found.why)


def test_a_base_without_alignment_is_said(aligned_grid: AlignedGrid) -> None:
    noise = np.random.default_rng(2)
    aligned_grid.align("model1-tuned", 1, {pair: float(noise.uniform()) for pair in aligned_grid.pairs})
    aligned_grid.score({("model1-tuned", pair): float(noise.uniform(10, 20)) for pair in aligned_grid.pairs})
    score, gain = ask(aligned_grid.store, "g", {"question": "alignment-score"}, {"question": "alignment-gain"})
    assert score.verdict is Verdict.FAILS
    assert gain.verdict is Verdict.TOO_FEW and "The alignment of a base is not measured" in str(gain.why)


def test_the_worth_of_the_instruction_is_what_was_planted(instruction_grid: InstructionGrid) -> None:
    grid = instruction_grid
    claim = {"question": "likelihood"}
    for instruction in ("right", "none", "wrong"):
        grid.translate("model1-it", instruction, lambda pair: pair.target, right=9)
    (without,) = ask(grid.store, "g", claim)
    assert without.verdict is Verdict.TOO_FEW and "`dragoman likelihood g` computes it" in str(without.why)
    noise = np.random.default_rng(1).normal(size=LINES)
    grid.likelihood("model1-it", "right", lambda pair, row: -10.0)
    grid.likelihood("model1-it", "wrong", lambda pair, row: -20.0 - noise[row])
    found, twice, none = ask(grid.store, "g", claim, claim | {"value": 3.0}, claim | {"than": "none"})
    assert found.finding.estimate == pytest.approx(2 + noise.mean() / 5), "of five tokens each"
    assert (found.verdict, found.finding.n) == (Verdict.HOLDS, LINES)
    assert (found.finding.of_what, len(found.finding.cells)) == ("sentences, of one model", 32)
    assert twice.verdict is Verdict.FAILS and twice.why == "It is below 3."
    assert none.verdict is Verdict.TOO_FEW
