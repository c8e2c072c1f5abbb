"""Scores of signatures that can't be compared never stand in one table."""

import pytest

from dragoman.analysis.comparison import compare
from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_query import scores
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.errors import StoreError
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.store.records import StoredScore

PAIRS = all_pairs(["de", "en", "fr"])
MODELS = {"base": TrainingGraph(), "tuned": TrainingGraph.of([Pair("en", "de")])}


@pytest.fixture
def scored(campaign):
    """Scores a grid with signatures that depend on the target."""

    def score(metric, signature_of):
        store = campaign.fill(MODELS, PAIRS, metrics=("off_target",) if metric != "off_target" else ("bleu",))
        for number, record in enumerate(store.cells.of_grid("g")):
            signature = signature_of(record.cell.pair.target)
            store.cells.add_scores(
                record.cell.id, [StoredScore(metric=metric, signature=signature, value=float(number))]
            )
        return store

    return score


def test_what_follows_from_the_target_may_differ(scored):
    store = scored("bleu", lambda target: f"nrefs:1|tok:{'13a' if target == 'de' else 'char'}|version:2.6.0")
    assert partition_table(store, ScoreQuestion("g", "bleu"), model="tuned")[-1].done == len(PAIRS)


def test_a_version_is_the_same_for_all_targets(scored):
    store = scored("bleu", lambda target: f"tok:{target}|version:{2 if target == 'fr' else 1}")
    said = (
        r"Grid 'g' has bleu scores into different languages under 2 signatures, .*version:1' \(4 scores\) and "
        r".*version:2' \(4 scores\), which are not comparable: choose one"
    )
    for ask in (
        lambda **options: partition_table(store, ScoreQuestion("g", "bleu", **options), model="tuned")[-1],
        lambda **options: scores(store, "bleu", grid="g", **options).rows()[0],
        lambda **options: compare(store, ScoreQuestion("g", "bleu", **options), a="base", b="tuned").scopes[-1],
    ):
        with pytest.raises(StoreError, match=said):
            ask()
        assert ask(signature="version:2").done == 2


def test_metrics_that_are_not_installed_may_differ_in_their_tokeniser(scored):
    store = scored("strange", lambda target: f"strange|tok:{target}|model:1")
    assert partition_table(store, ScoreQuestion("g", "strange"), model="tuned")[-1].done == len(PAIRS)
    store = scored("stranger", lambda target: f"stranger|tok:x|model:{target}")
    with pytest.raises(StoreError, match="stranger scores into different languages under 3 signatures"):
        partition_table(store, ScoreQuestion("g", "stranger"), model="tuned")


def test_candidates_of_a_detector_may_hold_the_pair(scored):
    store = scored("off_target", lambda target: f"detector:1|candidates:en,{target}|threshold:0.9")
    assert partition_table(store, ScoreQuestion("g", "bleu"), model="tuned")[-1].off_target_pairs == len(PAIRS)


def test_off_target_rates_that_would_be_mixed_are_left_out_with_the_reason(scored):
    store = scored("off_target", lambda target: f"detector:{target}|candidates:en")
    row = partition_table(store, ScoreQuestion("g", "bleu"), model="tuned")[-1]
    assert (row.off_target, row.off_target_pairs) == (None, 0)
    assert row.note.startswith("No off-target rates: grid 'g' has off_target scores into different languages under 3")
    assert row.low is not None


@pytest.mark.parametrize("way", ["prompt", "signature"])
def test_two_systems_of_one_model_have_one_signature(campaign, way):
    for number, prompt in enumerate(["[{source}]", "Translate {source}"]):
        signature = f"tok:13a|version:{number if way == 'signature' else 1}"
        campaign.fill(MODELS, PAIRS, grid=f"p{number}", prompt=prompt, signature=signature)
    store = campaign.store
    cells = [cell for grid in ("p0", "p1") for cell in store.cells.of_grid(grid)]
    store.grids.add(store.grids.get("p0").model_copy(update={"name": "g", "spec_hash": "g"}), cells)
    names = {"a": "base:[{source}]", "b": "tuned:Translate {source}"}
    if way == "signature":
        with pytest.raises(StoreError, match=r"bleu scores into de under 2 signatures, .*version:0.*version:1"):
            compare(store, ScoreQuestion("g", "bleu"), **names)
    else:
        found = compare(store, ScoreQuestion("g", "bleu"), **names, samples=100)
        assert (found.scopes[-1].done, found.scopes[-1].pairs) == (len(PAIRS), len(PAIRS))
        assert found.note.startswith("Two systems, not two models alone: their prompts differ (base:[{source}] is base")
