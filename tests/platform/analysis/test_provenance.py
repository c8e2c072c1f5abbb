"""Provenance, citations and methods: the base by its name, what to cite, and a paragraph for a paper."""

import re

import pytest

from dragoman.analysis.caption import caption_of
from dragoman.analysis.citations import citations, keys_of_corpus, keys_of_metric
from dragoman.analysis.provenance import base_name
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.pair import all_pairs
from dragoman.partition import TrainingGraph
from dragoman.plugins import available
from dragoman.store.records import JobState
from dragoman.version import __version__

MODELS = {"base": TrainingGraph(), "tuned": TrainingGraph.of(all_pairs(["en", "de"]))}


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ({"base": {"model": "/srv/models/tiny-xglm", "revision": None}}, "tiny-xglm"),
        ({"base": "~/tiny-xglm/"}, "tiny-xglm"),
        ({"base": "s3://bucket/folder/tiny-xglm"}, "tiny-xglm"),
        ({"base": {"model": r"C:\models\tiny-xglm"}}, "tiny-xglm"),
        ({"base": {"model": "facebook/xglm-564M", "revision": "f3059f01b98ccc877c673149e0178c0e957660f9"}},
         "facebook/xglm-564M, revision f3059f01b98c"),
        ({}, "stored"),
    ],
)  # fmt: skip
def test_the_base_is_called_by_its_name_never_by_a_path(spec, name):
    assert base_name(spec, "stored") == name


def test_tables_say_base_day_and_version(campaign, dragoman):
    store = campaign.fill(MODELS, all_pairs(["en", "de"]))
    question = ScoreQuestion("g", "bleu")
    assert caption_of(store, question).evaluated is None
    store.jobs.end(store.jobs.start("g", "host/1"), JobState.DONE)
    caption = caption_of(store, question)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", caption.evaluated or "")
    text = dragoman("results", "g").out
    assert f"base: base; evaluated: {caption.evaluated}; Dragoman {__version__}." in text
    rows = dragoman("results", "g", "--csv").out.splitlines()
    assert {"base_model", "evaluated", "dragoman"} <= set(rows[0].split(",")) and rows[1].endswith(f",{__version__}")


def test_every_entry_that_is_named_is_there_and_every_one_there_is_named():
    from dragoman.analysis import citations as module

    named = {key for keys in (*module._OF_METRICS.values(), *module._OF_CORPORA.values()) for key in keys}
    assert named | {*module.OF_INTERVALS, *module.OF_TESTS} == module._known().keys()
    for entry in module._known().values():
        assert entry.count("{") == entry.count("}") and re.search(r"\byear = |howpublished", entry)
    assert module._OF_CORPORA.keys() <= available("corpora").keys()


def test_metrics_and_test_sets_have_their_papers():
    assert keys_of_metric("chrf++") == ("popovic-2017-chrf", "post-2018-call")
    assert keys_of_metric("spbleu-flores200")[0] == "goyal-etal-2022-flores"
    assert keys_of_metric("judge:own") == ()
    assert keys_of_corpus("flores200") == ("nllb-2022", "goyal-etal-2022-flores")
    assert keys_of_corpus("made") == ()


def test_what_has_no_paper_here_has_an_entry_of_its_own(campaign, dragoman):
    store = campaign.fill(MODELS, all_pairs(["en", "de"]))
    text = citations([caption_of(store, ScoreQuestion("g", "bleu"))], tested=True)
    assert text.count("@") == 6 and "@misc{test-set-made," in text and f"version = {{{__version__}}}" in text
    assert dragoman("results", "g", "--cite").out == citations([caption_of(store, ScoreQuestion("g", "bleu"))])
    assert "riezler-maxwell-2005-pitfalls" in dragoman("compare", "g", "base", "tuned", "--cite").out


def test_a_methods_paragraph_says_what_was_done_in_both_forms(campaign, dragoman):
    campaign.fill(MODELS, all_pairs(["en", "de"]))
    plain, latex = (dragoman("results", "g", "--methods", *form).out for form in ((), ("--latex",)))
    for text in (plain, latex):
        assert text.startswith("We evaluated 2 systems on ") and "2 languages with Dragoman" in text
        assert "The test set is made test, revision r1" in text and "over the base model base" in text
    assert "`bleu|tok:13a|version:1`" in plain and "(Koehn, 2004)" in plain and "\\" not in plain.replace("\\n", "")
    assert r"\citep{papineni-etal-2002-bleu,post-2018-call}" in latex and r"95\% percentile intervals" in latex
    keys = {key for keys in re.findall(r"\\citep\{([^}]*)\}", latex) for key in keys.split(",")}
    assert keys <= set(re.findall(r"@\w+\{([^,]+),", dragoman("results", "g", "--cite").out))
