"""Captions: what scores were measured on and how, from the store."""

import csv
import io
import json

import pytest

from dragoman.analysis.caption import Caption, caption_line, caption_of, captions_of
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import System
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.spec.decoding import Decoding
from dragoman.store import records
from dragoman.testing import GridBuilder, random_score
from dragoman.version import __version__

PAIRS = all_pairs(["en", "de", "ja"])
MODELS = [records.ModelRecord(id="model-base", name="base"), records.ModelRecord(id="model-a", name="a")]
GREEDY = records.DecodingRecord(id="decoding-greedy", settings=Decoding(max_new_tokens=64).meaning)


def filled(store, counts, *, grid="g", sentences=None, seed=None, decoding=GREEDY, signature=None, lines=True):
    """A grid whose pairs have so many test sentences each, all scored."""
    test_set = records.TestSetRecord(
        id=f"test-{grid}", corpus="wmt19", revision="r7", split="test", sentences=sentences, seed=seed
    )
    text = {pair: [(f"{n}", f"{n}") for n in range(count)] for pair, count in counts.items()}
    builder = GridBuilder(
        store, MODELS, PAIRS, name=grid, metrics=("bleu",), lines=text if lines else None, test_set=test_set,
        prompt=records.PromptRecord(id="prompt-a", template="Übersetze\n{source}"), decoding=decoding,
        names={model.id: model.name for model in MODELS},
    ).add()  # fmt: skip
    for record in builder.cells:
        pair = record.cell.pair
        if count := counts.get(pair):
            tok = "ja-mecab" if pair.target == "ja" else "13a"
            score = random_score(
                "bleu", record.cell.model, pair, segments=count, quality=0.5,
                signature=signature or f"nrefs:1|tok:{tok}|version:2",
            )  # fmt: skip
            builder.translate(record.cell, [score], segments=count)
    return ScoreQuestion(grid, "bleu")


@pytest.fixture
def store(campaign):
    return campaign.store


def test_it_says_what_was_measured_and_how(store):
    question = filled(store, dict.fromkeys(PAIRS, 12))
    line = caption_line({"a": caption_of(store, question, model="a")})
    assert line == (
        "Test set: wmt19 test, revision r7; 12 sentences a pair; decoding: greedy, at most 64 tokens; "
        r"prompt: 'Übersetze\n{source}'; signature: bleu|nrefs:1|tok:13a/ja-mecab|version:2; "
        f"base: base; Dragoman {__version__}."
    )


def test_sentences_are_counted_by_pair_whatever_was_asked_for(store):
    few = {PAIRS[0]: 11, PAIRS[1]: 11, PAIRS[2]: 30}
    caption = caption_of(store, filled(store, {**dict.fromkeys(PAIRS, 50), **few}, sentences=50))
    assert (caption.sentences_asked, caption.sentences_least, caption.sentences_most) == (50, 11, 50)
    assert caption.sentences == (
        f"11 to 50 sentences a pair (fewer than 50 in 3 of 6 pairs: {PAIRS[0]}, {PAIRS[1]} and 1 more), the first ones"
    )
    assert set(caption.pairs_with_least) == {PAIRS[0], PAIRS[1]}


def test_a_sample_is_named_as_one(store):
    caption = caption_of(store, filled(store, dict.fromkeys(PAIRS, 20), sentences=20, seed=3))
    assert caption.sentences == "20 sentences a pair, a sample with seed 3"
    assert (caption.sentences_asked, caption.sample_seed) == (20, 3)


def test_pairs_without_text_are_not_counted(store):
    caption = caption_of(store, filled(store, dict.fromkeys(PAIRS[1:], 7)))
    assert (caption.sentences, caption.pairs) == ("7 sentences a pair", 5)


def test_a_store_that_has_no_number_of_test_lines_goes_by_what_was_translated(store):
    question = filled(store, {**dict.fromkeys(PAIRS, 20), PAIRS[3]: 9}, lines=False)
    caption = caption_of(store, question)
    assert (caption.sentences_least, caption.sentences_most, caption.pairs_with_least) == (9, 20, (PAIRS[3],))
    nothing = caption_of(store, filled(store, {}, grid="planned", lines=False))
    assert nothing.sentences == "how many sentences a pair has is not known"


def test_what_differs_between_systems_is_said_with_their_names(store):
    question = filled(store, dict.fromkeys(PAIRS, 12))
    caption = caption_of(store, question)
    other = caption.model_copy(update={"decoding": "beam 4, at most 64 tokens"})
    line = caption_line({"base": caption, "a": other, "b": caption})
    assert "decoding: greedy, at most 64 tokens (base, b), beam 4, at most 64 tokens (a); prompt" in line
    assert line.count("Test set") == line.count("12 sentences a pair;") == line.count("signature") == 1
    many = {f"m{number}": caption for number in range(5)} | {"other": other}
    assert "(m0, m1, m2 and 2 more)" in caption_line(many)
    assert caption_line({}) is None


@pytest.mark.parametrize(
    ("decoding", "shown"),
    [
        (Decoding(), "greedy, at most 150 tokens"),
        (Decoding(beam=4, length_penalty=0.8), "beam 4, at most 150 tokens, length penalty 0.8"),
        (
            Decoding(temperature=0.7, top_p=0.9, seed=5),
            "drawn at temperature 0.7, at most 150 tokens, top p 0.9, seed 5",
        ),
        (Decoding(temperature=1), "drawn at temperature 1, at most 150 tokens, seed 1"),
        (Decoding(precision="int8", stop=("END",)), 'greedy, at most 150 tokens, stop ["END"], precision int8'),
    ],
)
def test_a_decoding_in_words(decoding, shown):
    assert decoding.shown == shown


def test_a_decoding_of_another_version_is_shown_as_it_is_stored(store):
    stored = records.DecodingRecord(id="decoding-other", settings={"beam": 1, "magic": True})
    caption = caption_of(store, filled(store, dict.fromkeys(PAIRS, 4), decoding=stored))
    assert caption.decoding == '{"beam":1,"magic":true}'


def test_a_long_revision_is_shortened_in_the_line_alone():
    facts = {"sentences_asked": None, "sample_seed": None, "sentences_least": 5, "sentences_most": 5, "pairs": 1}
    caption = Caption(
        metric="bleu", corpus="flores", split="dev", revision="0123456789abcdef" * 4, decoding="greedy",
        prompt="{source}", signatures=("a:1",), pairs_with_fewer=0, pairs_with_least=(), **facts,
    )  # fmt: skip
    assert caption.test_set == "flores dev, revision 0123456789ab…"
    assert caption.facts["revision"] == "0123456789abcdef" * 4


def test_systems_of_one_condition_share_one_caption(store):
    question = filled(store, dict.fromkeys(PAIRS, 12))
    found = captions_of(store, question, [System("g", "base"), System("g", "a")])
    assert list(found) == [System("g", "base"), System("g", "a")] and len(set(map(id, found.values()))) == 1


def test_every_table_of_results_and_comparisons_has_it(campaign, dragoman):
    graph = TrainingGraph.of([Pair("en", "de"), Pair("de", "en")])
    models = {"base": TrainingGraph(), "m@1": graph, "m@2": graph}
    campaign.fill(models, PAIRS, segments={pair: 10 + n for n, pair in enumerate(PAIRS)}, seeds={"m@1": 1, "m@2": 2})
    facts = {"metric": "bleu", "corpus": "made", "split": "test", "revision": "r1", "sentences_least": 10}
    both = {"prompt_template_a", "prompt_template_b", "decoding_a", "decoding_b"}
    for command, own in ((("results", "g"), {"prompt_template", "decoding"}), (("compare", "g", "base", "m@1"), both)):
        tables = json.loads(dragoman(*command, "--json").out)
        for name, rows in tables.items():
            for row in rows if name != "reasons" else ():
                assert facts.items() <= row.items() and own <= row.keys() and row["signature"] and "seed" not in own
            if not rows:
                continue
            for form in ("--markdown", "--latex"):
                out = dragoman(*command, form, "--table", name).out
                assert out.count("10 to 15 sentences a pair (fewer than 15 in 5 of 6 pairs:") == 1, name
            row = next(csv.DictReader(io.StringIO(dragoman(*command, "--csv", "--table", name).out)))
            assert (row["corpus"], row["sentences_most"]) == ("made", "15")
    assert {"partitions", "gap", "seeds", "matrix", "pairs"} <= json.loads(
        dragoman("results", "g", "--json").out
    ).keys()
