"""Claims about languages: planted factors are found, agree with `explain` of one grid, and wrong input is a reason."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr
from tests.platform.explanation.planted_grid import store_with

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.claims import Answer, ClaimFile, Verdict, answered
from dragoman.explanation.explanation import explain
from dragoman.explanation.factors import FactOptions
from dragoman.explanation.pretraining import xglm
from dragoman.explanation.similarity import measure
from dragoman.pair import Pair
from dragoman.store.store import Store
from dragoman.testing import MadeCampaign

LANGUAGES = ("ar", "de", "en", "fi", "fr", "hi", "ru", "sw")


def ask(store: Store, over: str, *claims: dict[str, object]) -> list[Answer]:
    numbered = [{"name": f"c{place}", "says": "It is so.", **claim} for place, claim in enumerate(claims)]
    return answered(store, ClaimFile.model_validate({"name": "mine", "over": over, "claims": numbered}))


def added(folder: Path, base: object) -> Store:
    """A campaign whose scores rise with the source's pretraining text, the target's similarity to English, and little
    else but the partition."""
    store = Store.open(f"sqlite:///{folder}/store.db", f"file://{folder}/blobs")
    noise = np.random.default_rng(3)

    def score(model: str, graph: object, pair: Pair) -> float:
        similar = measure("cldr").matrix([pair.target, "en"], {})[0, 1]
        seen = 3.0 if pair in graph.pairs else 0.0  # type: ignore[attr-defined]
        return float(4 * np.log10(xglm().tokens[pair.source]) + 8 * similar + seen + noise.normal(scale=0.2))

    MadeCampaign(store, score, languages=LANGUAGES, sizes=(8, 20), draws=(1, 2), base=base).add()
    return store


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return added(tmp_path_factory.mktemp("languages"), {"model": "x", "pretraining": dict(xglm().tokens)})


def test_planted_factors_are_found_on_their_side(campaign: Store) -> None:
    factor, partial = {"question": "factor-correlation"}, {"question": "partial-correlation"}
    effect = {"question": "pair-factor"}
    found = ask(
        campaign, "made",
        factor | {"factor": "pretraining", "role": "source"},
        factor | {"factor": "similarity", "role": "target"},
        partial | {"factor": "pretraining", "role": "source"},
        effect | {"factor": "pretraining", "side": "source"},
        effect | {"factor": "similarity", "side": "target"},
        effect | {"factor": "pretraining", "side": "target"},
        effect | {"factor": "similarity", "side": "pair"},
    )  # fmt: skip
    assert [answer.verdict for answer in found] == [Verdict.HOLDS] * 5 + [Verdict.FAILS] * 2
    assert [answer.finding.n for answer in found] == [8, 7, 7, 8, 8, 8, 8], "English is similar to itself alone"
    assert all(answer.finding.of_what == "languages, of means over 4 models" for answer in found)
    assert {len(answer.finding.cells) for answer in found} == {32}
    assert abs(found[5].finding.estimate) < 0.05 < 0.3 < found[3].finding.estimate


def test_a_correlation_is_scipys_of_means_over_models_and_targets(campaign: Store) -> None:
    (found,) = ask(campaign, "made", {"question": "factor-correlation", "factor": "pretraining", "role": "source"})
    grids = [f"made-{size}-pairs-draw{draw}" for size in (8, 20) for draw in (1, 2)]
    parts = [
        explain(campaign, ScoreQuestion(grid, "bleu"), ["sampled"], FactOptions(), permutations=20) for grid in grids
    ]
    quality = np.mean([part.models[0].qualities["all", "source"].values for part in parts], axis=0)
    tokens = [xglm().tokens[tag] for tag in LANGUAGES]
    assert found.finding.estimate == pytest.approx(spearmanr(tokens, quality).statistic)


def test_of_one_model_the_answers_are_those_of_explain(campaign: Store) -> None:
    grid = "made-8-pairs-draw1"
    (of_model,) = explain(campaign, ScoreQuestion(grid, "bleu"), ["sampled"], FactOptions()).models
    partial, effect = ask(
        campaign, grid,
        {"question": "partial-correlation", "factor": "similarity", "role": "target", "held": ["pretraining"]},
        {"question": "pair-factor", "factor": "similarity", "side": "target"},
    )  # fmt: skip
    asked = ("all", "target", "similarity", ("pretraining",))
    (one,) = (each.found for each in of_model.correlations if each[:4] == asked)
    assert (partial.finding.estimate, partial.finding.p, partial.finding.n) == (one.estimate, one.p, one.n)
    assert of_model.pairs is not None
    (beta,) = (each for each in of_model.pairs.coefficients if each.name == "target and en")
    assert effect.finding.estimate == pytest.approx(beta.estimate)
    assert (effect.finding.low, effect.finding.high) == pytest.approx((beta.low, beta.high))


@pytest.mark.parametrize(
    ("claim", "sentence"),
    [
        ({"factor": "pretraining", "role": "source", "value": 0.3}, "not from 0.3: claim the direction alone"),
        ({"factor": "similarty", "role": "source"}, "no factor 'similarty'; did you mean 'similarity'"),
        ({"factor": "similarity", "role": "source", "partition": "sen"}, "'sen' is no partition"),
        ({"factor": "fertility", "role": "source"}, "The factor fertility is not to be had"),
        ({"question": "partial-correlation", "factor": "pairs", "role": "source", "held": ["pairs"]},
         "both asked for and held"),
        ({"question": "pair-factor", "factor": "pretraining", "side": "pair"}, "has no side `pair`"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_a_reason(campaign: Store, claim: dict[str, object], sentence: str) -> None:
    (found,) = ask(campaign, "made", {"question": "factor-correlation", **claim})
    assert found.verdict is Verdict.TOO_FEW and sentence in str(found.why)


def test_without_amounts_of_pretraining_text_there_is_a_remedy(tmp_path: Path) -> None:
    with closing(added(tmp_path, "models/tiny")) as store:
        claim = {"question": "factor-correlation", "role": "source"}
        without, similar = ask(store, "made", claim | {"factor": "pretraining"}, claim | {"factor": "similarity"})
    assert without.verdict is Verdict.TOO_FEW and "write base.pretraining into the spec" in str(without.why)
    assert similar.finding.estimate is not None


def test_too_few_languages_are_said(tmp_path: Path) -> None:
    languages = ("ar", "de", "en", "fi", "fr")
    with closing(store_with(tmp_path, languages=languages)) as store:
        found, other = ask(
            store, "planted",
            {"question": "factor-correlation", "factor": "similarity", "role": "source"},
            {"question": "pair-factor", "factor": "similarity", "side": "pair"},
        )  # fmt: skip
    assert found.verdict is Verdict.TOO_FEW and "Fewer than 5 languages" in str(found.why)
    assert other.finding.estimate is not None or "There is no effect" in str(other.why)
