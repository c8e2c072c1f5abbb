"""`dragoman score`: metrics for stored translations, checked against sacreBLEU itself."""

import json

import pytest
import sacrebleu
from sqlalchemy import text

from dragoman.cell import Cell, Unscorable
from dragoman.identity import hash_lines
from dragoman.metrics.serialization import unpack
from dragoman.pair import Pair
from dragoman.settings import settings
from dragoman.store import records

PAIRS = [Pair("en", "de"), Pair("de", "en"), Pair("de", "fr")]
REFERENCES = ["Der Hund schläft im Garten.", "Sie liest ein Buch.", "Es regnet heute."]
HYPOTHESES = ["Der Hund schläft im Haus.", "Sie liest das Buch.", "Heute regnet es."]


@pytest.fixture
def translated(campaign):
    """Two translated cells without any score, and one not translated."""
    store = campaign.store
    store.models.add(records.ModelRecord(id="m", name="base"))
    store.conditions.add_test_set(records.TestSetRecord(id="t", corpus="made", revision="r1", split="test"))
    store.conditions.add_prompt(records.PromptRecord(id="p", template="{source}"))
    store.conditions.add_decoding(records.DecodingRecord(id="d", settings={}))
    test = store.blobs.put_test(["a", "b", "c"], REFERENCES)
    cells = [
        Cell(model="m", test_set="t", content=hash_lines(REFERENCES), pair=pair, prompt="p", decoding="d")
        for pair in PAIRS
    ]
    store.grids.add(
        records.GridRecord(
            name="g", spec={}, spec_hash="g", models=("m",), base="m", metrics=("bleu",), languages=("de", "en", "fr")
        ),
        [records.CellRecord(cell=cell, test=test) for cell in cells],
    )
    hypotheses = store.blobs.put_translation([(text, "stop", 5) for text in HYPOTHESES])
    for cell in cells[:2]:
        translation = records.Translation(
            cell_id=cell.id, hypotheses=hypotheses, segments=3, tokens=15, cut=0, engine="made", seconds=0, worker="w"
        )
        store.cells.advance(translated=[records.CellOutcome(translation=translation)])
    return store, cells


def counts(outcome):
    assert outcome.code == 0, outcome.err
    return {row.pop("metric"): row for row in json.loads(outcome.out)["scored"]}


def test_adds_metrics_to_what_is_translated_and_leaves_what_is_scored(translated, dragoman):
    store, cells = translated
    arguments = ("score", "g", "--metric", "bleu", "--metric", "chrf++", "--workers", "1", "--json")
    scored = {"scored": 2, "already": 0, "unscorable": 0, "untranslated": 1, "without_text": 0}
    assert counts(dragoman(*arguments)) == {"bleu": scored, "chrf++": scored}
    bleu, chrf = store.cells.scores(cells[0].id)
    assert bleu.value == sacrebleu.corpus_bleu(HYPOTHESES, [REFERENCES]).score
    assert chrf.value == sacrebleu.corpus_chrf(HYPOTHESES, [REFERENCES], word_order=2).score
    again = {"scored": 0, "already": 2, "unscorable": 0, "untranslated": 1, "without_text": 0}
    assert counts(dragoman(*arguments)) == {"bleu": again, "chrf++": again}
    assert store.cells.scores(cells[0].id) == [bleu, chrf]
    assert store.grids.get("g").metrics == ("bleu", "chrf++")


def test_a_translation_whose_text_is_not_stored_is_not_called_untranslated(translated, dragoman):
    store, _ = translated
    with store.database.writing() as connection:
        connection.execute(text("UPDATE test SET lines = NULL"))
    outcome = dragoman("score", "g", "--metric", "bleu", "--workers", "1", "--json")
    found = {"scored": 0, "already": 0, "unscorable": 0, "untranslated": 1, "without_text": 2}
    assert counts(outcome) == {"bleu": found}


def test_an_older_version_s_score_stays_beside_the_new_one(translated, dragoman):
    store, cells = translated
    old = records.StoredScore(metric="bleu", signature="nrefs:1|version:1.0.0", value=12.0)
    store.cells.add_scores(cells[0].id, [old])
    found = counts(dragoman("score", "g", "--metric", "bleu", "--workers", "1", "--json"))
    assert found["bleu"]["scored"] == 2
    signatures = [score.signature for score in store.cells.scores(cells[0].id)]
    assert signatures[0] == "nrefs:1|version:1.0.0" and len(signatures) == 2
    refused = dragoman("results", "g")
    assert refused.code == 2 and "2 signatures" in refused.err
    assert dragoman("results", "g", "--signature", "version:1.0.0").code == 0


def test_processes_score_the_same(translated, dragoman):
    store, cells = translated
    assert counts(dragoman("score", "g", "--metric", "chrf", "--workers", "2", "--json"))["chrf"]["scored"] == 2
    assert store.cells.scores(cells[0].id)[0].value == sacrebleu.corpus_chrf(HYPOTHESES, [REFERENCES]).score


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["h", "--metric", "bleu"], "no grid 'h'"), (["g", "--metric", "blue"], "did you mean 'bleu'?")],
)
def test_wrong_input_is_one_sentence_and_writes_nothing(translated, dragoman, arguments, said):
    store, cells = translated
    outcome = dragoman("score", *arguments)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert said in outcome.err
    assert store.cells.scores(cells[0].id) == [] and store.grids.get("g").metrics == ("bleu",)


def test_a_metric_without_its_tokeniser_says_so_and_leaves_no_trace(translated, dragoman, monkeypatch, tmp_path):
    store, cells = translated
    (tmp_path / "models").mkdir()
    monkeypatch.setattr("sacrebleu.utils.SACREBLEU_DIR", str(tmp_path))
    monkeypatch.setattr("dragoman.metrics.spbleu.urlopen", lambda *_, **__: (_ for _ in ()).throw(OSError("no way")))
    outcome = dragoman("score", "g", "--metric", "spbleu")
    assert outcome.code == 1
    assert "tokeniser is not at" in outcome.err
    assert store.grids.get("g").metrics == ("bleu",)
    # as an earlier version left it
    store.grids.add_metric("g", "spbleu")
    assert store.grids.get("g").metrics == ("bleu", "spbleu")
    store.cells.add_scores(cells[0].id, [], [Unscorable("spbleu", "no tokeniser")])
    assert store.grids.get("g").metrics == ("bleu",)
    assert dragoman("results", "g", "--metric", "spbleu").code == 2


def shared(hypotheses, references):
    """The metric of the tests, computed here: the Jaccard index of the words of each two lines."""
    return [
        len(set(one.split()) & set(other.split())) / len(set(one.split()) | set(other.split()))
        for one, other in zip(hypotheses, references, strict=True)
    ]


def test_a_metric_that_holds_a_model_loads_it_once_and_keeps_each_segment(translated, dragoman, overlap):
    store, cells = translated
    arguments = ("score", "g", "--metric", "overlap:mine", "--option", "revision=2")
    found = counts(dragoman(*arguments, "--json"))
    assert found == {"overlap:mine": {"scored": 2, "already": 0, "unscorable": 0, "untranslated": 1, "without_text": 0}}
    (score,) = store.cells.scores(cells[0].id)
    assert score.metric == "overlap:mine" and score.signature == "overlap|model:small|rev:2|empty:0"
    by_hand = shared(HYPOTHESES, REFERENCES)
    assert unpack(score.statistics).tolist() == [[value, 1.0] for value in by_hand]
    assert score.value == sum(by_hand) / 3
    assert len(overlap.loads) == 1
    again = counts(dragoman(*arguments, "--json"))
    assert again["overlap:mine"]["already"] == 2 and overlap.triples == [3, 3]
    assert store.cells.scores(cells[0].id) == [score]


def test_scores_of_another_revision_stay_apart(translated, dragoman, overlap):
    store, cells = translated
    for revision in ("1", "2"):
        option = f"revision={revision}"
        found = counts(dragoman("score", "g", "--metric", "overlap", "--option", option, "--json"))
        assert found["overlap"]["scored"] == 2
    assert len(store.cells.scores(cells[0].id)) == 2
    refused = dragoman("results", "g", "--metric", "overlap")
    assert refused.code == 2 and "2 signatures" in refused.err and "rev:1" in refused.err
    assert dragoman("results", "g", "--metric", "overlap", "--signature", "rev:2").code == 0


def test_several_processes_load_the_model_once_each(translated, dragoman, overlap, monkeypatch):
    monkeypatch.setenv("DRAGOMAN_METRIC_WORKERS", "2")
    settings.cache_clear()
    found = counts(dragoman("score", "g", "--metric", "distance", "--json"))
    assert found["distance"]["scored"] == 2
    assert len({process for process, _ in overlap.loads}) <= 3  # the first tells the signature
    assert len(overlap.loads) == len({process for process, _ in overlap.loads})


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("overlap", "--option", "checkpoint=none"), "There is no checkpoint none: name one that there is."),
        (("overlap", "--option", "chekpoint=x"), "has no option 'chekpoint'; did you mean 'checkpoint'?"),
        (("overlap", "--option", "checkpoint"), "--option checkpoint gives no value: write --option KEY=VALUE."),
        (("overlap", "--option", "seconds=long"), "--option (overlap).seconds is 'long'"),
        (("overlap", "--metric", "bleu", "--option", "seconds=1"), "could be one of 2 metrics"),
        (("bleu", "--option", "seconds=1"), "the metric bleu holds no model and has no options"),
        (("overlop",), "'overlop' is not one of the metrics: did you mean 'overlap'?"),
    ],
)
def test_wrong_input_is_a_sentence_and_nothing_is_written(translated, dragoman, overlap, arguments, sentence):
    store, cells = translated
    outcome = dragoman("score", "g", "--metric", *arguments)
    assert outcome.code in (1, 2) and sentence in outcome.err and "Traceback" not in outcome.err
    assert store.grids.get("g").metrics == ("bleu",) and store.cells.scores(cells[0].id) == []


def test_a_gpu_that_is_asked_for_and_not_there_is_a_sentence(translated, dragoman, overlap, monkeypatch):
    monkeypatch.setenv("DRAGOMAN_METRIC_GPUS", "1")
    settings.cache_clear()
    outcome = dragoman("score", "g", "--metric", "overlap")
    assert outcome.code == 1 and "There is no GPU here" in outcome.err
