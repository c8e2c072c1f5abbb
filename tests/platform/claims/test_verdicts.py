"""Answers to claims: verdicts after Holm, and the questions on a made campaign."""

import json
from pathlib import Path
from zlib import crc32

import pytest

from dragoman.analysis.campaigns import grids_of
from dragoman.analysis.finding import Finding
from dragoman.analysis.partition_gap import partition_gap
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.claims import ClaimFile, Question, QuestionOptions, Verdict, answered, verdicts
from dragoman.claims import claim_file as claim_files
from dragoman.effects.campaign_scores import read_campaign
from dragoman.errors import StoreError
from dragoman.pair import all_pairs
from dragoman.partition import Partition, TrainingGraph
from dragoman.plugins import available, load
from dragoman.reports.claims import claims_report
from dragoman.spec import EvaluationPrompt
from dragoman.store.records import ModelRecord, PromptRecord
from dragoman.store.store import Store
from dragoman.tables.render import Form, render
from dragoman.testing import GridBuilder, MadeCampaign, random_score

LANGUAGES = ("ar", "de", "en", "fr")
GOLDEN = Path(__file__).with_name("claims.golden.json")
LIFTS = {Partition.SEEN: 0.15, Partition.REVERSED: 0.08, Partition.RECOMBINED: 0.08, Partition.ONE_SIDED: 0.04}


def scored(model, graph, pair):
    quality = 0.5 + crc32(str(pair).encode()) % 100 / 1000
    quality += LIFTS.get(graph.partition(pair), 0) + 0.01 * len(graph.pairs) if graph.pairs else 0
    return random_score("bleu", model, pair, segments=20, quality=quality, signature="v1")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("claims")
    store = Store.open(f"sqlite:///{folder}/store.db", f"file://{folder}/blobs")
    MadeCampaign(store, scored, languages=LANGUAGES, sizes=(3, 6), draws=(1, 2, 3, 4)).add()
    yield store
    store.close()


def file_of(*claims, **rest):
    numbered = [{"name": f"c{place}", "says": "It is so.", **claim} for place, claim in enumerate(claims)]
    return ClaimFile.model_validate({"name": "mine", "over": "made", **rest, "claims": numbered})


class Fixed(Question):
    """A question whose answers are given."""

    title = "given"

    class Options(QuestionOptions):
        """The numbers."""

        estimate: float
        half: float = 1.0
        p: float | None
        n: int = 5

    def find(self, store, asked):
        own = self.options
        low, high = own.estimate - own.half, own.estimate + own.half
        return Finding(estimate=own.estimate, low=low, high=high, p=own.p, n=own.n, of_what="draws")


@pytest.fixture
def given(monkeypatch):
    class Entry:
        def load(self):
            return Fixed

    known = {**available("questions"), "given": Entry()}
    monkeypatch.setattr(claim_files, "available", lambda group: known)
    monkeypatch.setattr(claim_files.plugins, "load", lambda group, name: known[name].load())


def test_verdicts_are_of_one_sided_p_values_after_holm(given, store):
    claims = [
        {"question": "given", "estimate": 2.0, "p": 0.04},
        {"question": "given", "estimate": 2.0, "p": 0.03},
        {"question": "given", "estimate": -2.0, "p": 0.01, "direction": "below"},
        {"question": "given", "estimate": -2.0, "p": 0.001},
        {"question": "given", "estimate": 2.0, "p": None},
        {"question": "given", "estimate": 2.0, "p": 0.001, "n": 1},
    ]
    found = answered(store, file_of(*claims))
    assert [answer.p for answer in found] == pytest.approx([0.02, 0.015, 0.005, 0.9995, None, 0.0005])
    # Holm over the four that are tested: 0.005 × 4, 0.015 × 3, then at least as much
    assert [answer.adjusted for answer in found] == pytest.approx([0.045, 0.045, 0.02, 0.9995, None, None])
    assert [answer.verdict for answer in found] == [*[Verdict.HOLDS] * 3, Verdict.FAILS, *[Verdict.TOO_FEW] * 2]
    assert found[3].why == "It is below 0." and found[5].why == "It is of 1 draws alone."
    alone = answered(store, file_of(*claims, correction="none", alpha=0.0175))
    assert [answer.verdict.value for answer in alone[:3]] == ["fails", "holds", "holds"]
    assert alone[0].why == "It is not shown to be above 0."
    strict = answered(store, file_of(*claims, alpha=0.03))
    assert strict[0].verdict is Verdict.FAILS
    assert strict[0].why == "As the only claim it would be shown to be above 0; after Holm it is not."


def test_claims_of_one_file_read_the_same_scores_once(monkeypatch, store):
    read = []

    def counted(store, question, *, fewest=2):
        read.append((question.value, fewest))
        return read_campaign(store, question, fewest=fewest)

    monkeypatch.setattr(verdicts, "read_campaign", counted)
    gains = [{"question": "gain", "partition": scope} for scope in ("seen", "unseen")]
    found = answered(store, file_of(*gains, {"question": "seen-effect"}, {"question": "seen-effect", "value": 1.0}))
    assert read == [("gain", 1), ("score", 2)]
    assert len({answer.finding.p for answer in found}) == 4


def test_an_interval_that_holds_what_would_matter_tells_nothing(given, store):
    wide = {"question": "given", "estimate": 1.0, "half": 3.0, "p": 0.5, "matters": 2.0}
    narrow = {**wide, "half": 1.5, "matters": 4.0}
    found = answered(store, file_of(wide, narrow, {**wide, "direction": "differs"}))
    assert [answer.verdict.value for answer in found] == ["too few data", "fails", "too few data"]
    assert "what would matter" in found[0].why and found[2].p == 0.5


def test_the_questions_of_a_campaign(store):
    grid = grids_of(store, "made")[0]
    found = answered(
        store,
        file_of(
            {"question": "seen-effect"},
            {"question": "transfer-ratio", "value": 0.9, "direction": "below"},
            {"question": "pair-slope", "partition": "all"},
            {"question": "gain", "partition": "seen"},
            {"question": "partition-gap", "worse": "unseen"},
            {"question": "difference", "a": "base", "b": "sampled", "over": grid},
            {"question": "difference", "a": "sampled", "b": "base", "over": grid, "direction": "below", "value": 1.0},
            {"question": "rate-difference", "a": "base", "b": "sampled", "rate": "off_target", "over": grid},
            {"question": "prompt-difference", "model": "sampled", "a": "wrong", "b": "right", "over": grid},
            {"question": "gain", "partition": "seen", "over": grid},
        ),
    )
    by_question = [(answer.claim.question, answer.verdict.value) for answer in found]
    assert by_question[:6] == [
        (name, "holds")
        for name in ("seen-effect", "transfer-ratio", "pair-slope", "gain", "partition-gap", "difference")
    ]
    assert found[6].verdict is Verdict.HOLDS and found[5].finding.n == 12
    assert found[5].finding.estimate == pytest.approx(-found[6].finding.estimate)
    assert [answer.verdict for answer in found[7:9]] == [Verdict.TOO_FEW] * 2
    assert "off_target" in found[7].why and "prompt" in found[8].why
    over = answered(store, file_of({"question": "difference", "a": "base", "b": "sampled", "partition": "seen"}))[0]
    assert over.finding.estimate == pytest.approx(found[3].finding.estimate) and over.finding.n == 4
    assert over.verdict is Verdict.HOLDS
    assert found[9].finding.of_what == "sentences, of one draw" and found[9].verdict is Verdict.HOLDS
    assert all(len(answer.finding.cells) == 32 for answer in (*found[:7], found[9]))
    assert found[5].finding.cells == found[6].finding.cells != found[0].finding.cells
    gaps = [
        partition_gap(store, ScoreQuestion(name, "bleu"), model="sampled", better="seen", worse="unseen").value
        for name in grids_of(store, "made")
    ]
    means = [sum(gaps[2 * draw : 2 * draw + 2]) / 2 for draw in range(4)]
    assert found[4].finding.estimate == pytest.approx(sum(means) / 4)


def test_prompts_are_compared_by_their_names(store):
    base = ModelRecord(id="model-p", name="p", recipe={"model": "p"}, graph=TrainingGraph())
    prompts = [{"template": "{source}", "name": "right"}, {"template": "Wrong: {source}", "name": "wrong"}]
    ids = [EvaluationPrompt.model_validate(each).id for each in prompts]
    spec = {"name": "asked", "evaluation": {"prompts": prompts}}
    grids = [
        GridBuilder(store, [base], all_pairs(LANGUAGES), name="asked", segments=20, spec=spec, metrics=("bleu",),
                    prompt=PromptRecord(id=number, template=each["template"])).add()
        for number, each in zip(ids, prompts, strict=True)
    ]  # fmt: skip
    store.grids.add(grids[0].grid, [*grids[0].cells, *grids[1].cells])
    for grid, quality in zip(grids, (0.7, 0.5), strict=True):
        for record in grid.cells:
            score = random_score("bleu", grid.prompt.id, record.cell.pair, segments=20, quality=quality, signature="v1")
            grid.translate(record.cell, [score], segments=20)
    (name,) = store.grids.get("asked").names.values() or ["base"]
    claim = {"question": "prompt-difference", "model": name, "a": "wrong", "b": "right", "over": "asked"}
    right, wrong = answered(store, file_of(claim, {**claim, "direction": "below"}))
    assert right.verdict is Verdict.HOLDS and wrong.verdict is Verdict.FAILS, right.why
    assert right.finding.n == 12 and right.finding.estimate > 5 and len(right.finding.cells) == 32


def test_claims_are_golden_and_the_same_bytes_each_time(store):
    """Made by this code on made scores: it holds the numbers and the hash of cells where they were."""
    asked = file_of(
        {"question": "seen-effect"}, {"question": "gain", "partition": "unseen"}, {"question": "pair-slope"}
    )
    texts = [
        [render(claims_report(store, asked).captioned, form) for form in (Form.JSON, Form.LATEX, Form.TEXT)]
        for _ in range(2)
    ]
    assert texts[0] == texts[1]
    rows = json.loads(texts[0][0])["claims"]
    golden = json.loads(GOLDEN.read_text())
    for row, expected in zip(rows, golden, strict=True):
        assert {key: row[key] for key in expected if not isinstance(expected[key], float)} == {
            key: value for key, value in expected.items() if not isinstance(value, float)
        }
        numbers = {key: value for key, value in expected.items() if isinstance(value, float)}
        assert {key: row[key] for key in numbers} == pytest.approx(numbers, rel=1e-9)


def test_a_campaign_that_there_is_not_is_refused(store):
    with pytest.raises(StoreError, match="no grid 'mode' and no such campaign: did you mean 'made'"):
        answered(store, file_of({"question": "gain", "over": "mode"}))


def test_all_questions_say_what_they_estimate():
    for name in available("questions"):
        kind = load("questions", name)
        assert issubclass(kind, Question) and kind.title and kind.__doc__ and kind.Options.__doc__
