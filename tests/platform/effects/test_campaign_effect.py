"""Effects of a campaign that is in a store."""

from zlib import crc32

import numpy as np
import pytest

from dragoman.effects.campaign_effect import campaign_effect
from dragoman.effects.campaign_scores import CampaignQuestion, read_campaign
from dragoman.effects.mean_gain import mean_gain
from dragoman.errors import StoreError
from dragoman.identity import hash_lines
from dragoman.pair import Pair, all_pairs
from dragoman.partition import Partition, TrainingGraph
from dragoman.store.records import DecodingRecord, ModelRecord, StoredScore
from dragoman.store.store import Store
from dragoman.testing import GridBuilder, MadeCampaign, SmallGrid, random_score

LANGUAGES = ("ar", "de", "en", "fr")
PAIRS = all_pairs(LANGUAGES)
QUALITY = {Partition.SEEN: 0.15, Partition.REVERSED: 0.08, Partition.RECOMBINED: 0.08, Partition.ONE_SIDED: 0.04}


def by_words(model, graph, pair):
    quality = 0.5 + crc32(str(pair).encode()) % 100 / 1000
    quality += QUALITY.get(graph.partition(pair), 0) if graph.pairs else 0
    return random_score("bleu", model, pair, segments=20, quality=quality, signature="v1")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("effects")
    store = Store.open(f"sqlite:///{folder}/store.db", f"file://{folder}/blobs")
    MadeCampaign(store, by_words, languages=LANGUAGES, sizes=(3, 6), draws=(1, 2, 3)).add()
    trained = {"without": PAIRS[1:5], "with": PAIRS[:5]}
    MadeCampaign(store, by_words, name="one-more", languages=LANGUAGES, trained=trained).add()
    SmallGrid(store).add().fill()
    yield store
    store.close()


def test_the_effects_of_a_campaign(store):
    found = campaign_effect(store, CampaignQuestion.of(store, "made"))
    assert (len(found.scores.models), found.scores.draw_count, len(found.scores.pairs)) == (6, 3, 12)
    unseen = found.seen[0]
    assert unseen.against == "unseen" and unseen.finding.low < unseen.finding.estimate < unseen.finding.high
    assert unseen.finding.p < 0.05 and unseen.finding.estimate > 5
    assert found.transfer[0].finding.n == 3 and 0 < found.transfer[0].finding.estimate < 1
    assert {point.pairs for point in found.points} == {3, 6}
    assert set(found.designs) == {"1,000 examples in all"} and found.direct == ()


def test_gains_over_one_base_have_the_same_effects_as_scores(store):
    score = campaign_effect(store, CampaignQuestion.of(store, "made"))
    gain = campaign_effect(store, CampaignQuestion.of(store, "made", value="gain"))
    for one, two in zip(score.seen, gain.seen, strict=True):
        assert one.finding.estimate == pytest.approx(two.finding.estimate)


def test_models_that_differ_in_one_pair_alone_have_a_direct_difference(store):
    found = campaign_effect(store, CampaignQuestion.of(store, "one-more"))
    (direct,) = found.direct
    scores = found.scores
    names, column = [model.system for model in scores.models], scores.pairs.index(PAIRS[0])
    assert direct.pair == PAIRS[0] and direct.trained == "one-more-with/sampled" and direct.is_total
    own = scores.own[names.index(direct.trained), column] - scores.own[names.index(direct.untrained), column]
    assert direct.finding.estimate == pytest.approx(own)
    assert direct.finding.low < own < direct.finding.high and direct.finding.n == 20
    assert found.scores.draw_count == 1 and "one draw" in found.seen[0].finding.why
    assert found.transfer[0].finding.of_what == "sentences, of one draw of training pairs"


def test_the_mean_gain_is_that_of_a_comparison_with_the_base(store):
    question = CampaignQuestion.of(store, "made-3-pairs-draw1", value="gain")
    scores = read_campaign(store, question, fewest=1)
    found = mean_gain(store, scores, "unseen")
    assert found.estimate == pytest.approx(float(scores.gains[0][scores.partitions[0] != 1].mean()))
    assert found.low < found.estimate < found.high and found.of_what == "sentences, of one draw"
    many = read_campaign(store, CampaignQuestion.of(store, "made", value="gain"))
    over = mean_gain(store, many, "seen")
    means = [many.gains[m][many.partitions[m] == 1].mean() for m in range(6)]
    of_draw = [np.mean([m for m, d in zip(means, many.draws, strict=True) if d == draw]) for draw in range(3)]
    assert over.estimate == pytest.approx(np.mean(of_draw)) and over.n == 3


def test_the_same_cells_have_the_same_hash_and_others_another(store):
    one, two = (read_campaign(store, CampaignQuestion.of(store, "made")).cells for _ in range(2))
    assert one == two != read_campaign(store, CampaignQuestion.of(store, "one-more")).cells
    fewer = CampaignQuestion.of(store, "made", grids=["made-3-pairs-draw1", "made-3-pairs-draw2"])
    assert read_campaign(store, fewer).cells not in (one, "")


def test_wrong_input_is_a_sentence_with_the_remedy(store):
    def asked(name, **rest):
        return read_campaign(store, CampaignQuestion.of(store, name, **rest))

    for name, rest, sentence in (
        ("mad", {}, "no grid 'mad' and no such campaign: did you mean 'made'"),
        ("made", {"grids": ["made-3-pairs-draw9"]}, "no grid 'made-3-pairs-draw9'; did you mean"),
        (
            "made-3-pairs-draw1",
            {},
            "has 1 finetuned model with bleu scores .* this takes 2: train models on other pairs",
        ),
        ("made", {"metric": "chrf++"}, r"no scores of 'chrf\+\+'|no metric|has no"),
        ("made", {"prompt": "chat"}, "prompt"),
        ("made", {"models": ("sample",)}, "no finetuned model 'sample'; did you mean 'sampled'"),
    ):
        with pytest.raises(StoreError, match=sentence):
            asked(name, **rest)


def test_a_system_that_asks_a_finetuned_model_is_none_itself(store):
    models = store.models.of_grid("made-3-pairs-draw1")
    through = ModelRecord(
        id="through",
        name="through",
        parent=models[1].id,
        base=models[0].id,
        recipe={"pivot": {}},
        graph=TrainingGraph(),
    )
    grid = GridBuilder(store, [*models, through], PAIRS, name="pivots", segments=20).add()
    for record in grid.cells:
        if record.cell.model == "through":
            score = random_score("bleu", "through", record.cell.pair, segments=20, quality=0.6, signature="v1")
            grid.translate(record.cell, [score], segments=20)
    found = read_campaign(store, CampaignQuestion.of(store, "pivots"), fewest=1)
    assert [model.record.id for model in found.models] == [models[1].id]


def test_a_slice_of_the_test_set_has_effects_of_its_own(store):
    labels = {(pair, hash_lines(pair)): {"domain": ["news"] * 8 + ["chat"] * 12} for pair in PAIRS}
    store.conditions.add_labels("test1-a", labels)
    whole = campaign_effect(store, CampaignQuestion.of(store, "made"))
    news = campaign_effect(store, CampaignQuestion.of(store, "made", lines="domain=news"))
    assert news.scores.own.shape == whole.scores.own.shape and news.scores.cells != whole.scores.cells
    assert not np.allclose(news.scores.own, whole.scores.own)
    assert news.transfer[0].finding.low is not None


def test_grids_that_were_decoded_differently_are_not_mixed(store):
    base = ModelRecord(id="base-d", name="b", recipe={"model": "b"}, graph=TrainingGraph())
    for beam in (1, 4):
        tuned = ModelRecord(
            id=f"tuned-{beam}", name="m", parent=base.id, base=base.id, recipe={"beam": beam}, seed=1,
            graph=TrainingGraph.of([PAIRS[beam]], 5),
        )  # fmt: skip
        spec = {"name": f"beams-{beam}", "campaign": "beams"}
        grid = GridBuilder(
            store, [base, tuned], PAIRS, name=spec["name"], spec=spec, segments=3,
            decoding=DecodingRecord(id=f"decoding-{beam}", settings={"beam": beam}),
        ).add()  # fmt: skip
        for record in grid.cells:
            grid.translate(record.cell, [StoredScore(metric="bleu", signature="BLEU|v1", value=1.0)], segments=3)
    with pytest.raises(StoreError, match=r"beams-1 and beams-4 were run with different decodings.*--grid"):
        read_campaign(store, CampaignQuestion.of(store, "beams"))


def test_a_grid_with_several_models_is_a_campaign_of_its_own(store):
    found = campaign_effect(store, CampaignQuestion.of(store, "small"))
    assert [model.name for model in found.scores.models] == ["a", "b"]
    alone = read_campaign(store, CampaignQuestion.of(store, "small", models=("b",)), fewest=1)
    assert [model.name for model in alone.models] == ["b"]
    assert found.scores.question.grids == ("small",) and Pair("de", "en") in found.scores.pairs
