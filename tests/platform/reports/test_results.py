"""`dragoman results`, end to end on a filled store."""

import csv
import io
import json

import pytest

from dragoman.analysis.pair_scores import pair_columns, pair_scores, unscored
from dragoman.analysis.score_query import scores
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.cell import CellState
from dragoman.pair import Pair, all_pairs
from dragoman.partition import Evidence, TrainingGraph

GRAPH = TrainingGraph.of([Pair("en", "de"), Pair("en", "fr"), Pair("fr", "en")])
PAIRS = all_pairs(["en", "de", "fr", "ru"])


@pytest.fixture(scope="module")
def filled(campaign_in, tmp_path_factory):
    with campaign_in(tmp_path_factory.mktemp("filled")) as campaign:
        fill(campaign)
        yield campaign


def fill(campaign):
    campaign.fill(
        {"base": TrainingGraph(), "tuned": GRAPH},
        PAIRS,
        metrics=["bleu", "off_target"],
        quality={"base": 0.4, "tuned": 0.8},
        without={
            ("tuned", Pair("de", "fr")): (CellState.FAILED, "out of memory"),
            ("tuned", Pair("de", "ru")): (CellState.PLANNED, None),
        },
        unscorable={("tuned", Pair("ru", "de")): ("bleu", "no tokeniser")},
    )


def tables(outcome):
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def test_every_partition_says_over_how_many_of_how_many_pairs(filled, dragoman):
    rows = {row["scope"]: row for row in tables(dragoman("results", "g", "--model", "tuned", "--json"))["partitions"]}
    counted = {scope: (row["done"], row["pairs"]) for scope, row in rows.items()}
    assert counted == {
        "seen": (3, 3), "reversed": (1, 1), "recombined": (1, 1), "one_sided": (0, 1),
        "unseen_source": (2, 3), "unseen_target": (2, 3), "unseen": (6, 9), "all": (9, 12),
    }  # fmt: skip
    assert rows["one_sided"]["mean"] is None
    assert rows["seen"]["low"] < rows["seen"]["mean"] < rows["seen"]["high"]
    assert rows["seen"]["gain_low"] < rows["seen"]["gain"] < rows["seen"]["gain_high"]
    assert rows["seen"]["gain"] == pytest.approx(rows["seen"]["mean"] - rows["seen"]["base_mean"])
    assert 0 < rows["seen"]["off_target"] < 100
    assert 0 <= rows["seen"]["off_target_reference"] < 20


def test_text_shows_the_gap_the_matrix_and_the_reasons(filled, dragoman):
    text = dragoman("results", "g").out
    assert "seen - recombined" in text
    lines = [line.split() for line in text.splitlines()]
    assert ["model", "source", "de", "en", "fr", "ru"] in lines
    assert next(line for line in lines if line[:2] == ["tuned", "de"])[3:] == ["failed", "to", "do"]
    assert next(line for line in lines if line[:2] == ["tuned", "ru"])[2] == "unscorable"
    assert ["tuned", "failed", "1", "de-fr", "out", "of", "memory"] in lines
    assert ["tuned", "unscorable", "1", "ru-de", "no", "tokeniser"] in lines


def test_the_base_gains_nothing_over_itself(filled, dragoman):
    rows = tables(dragoman("results", "g", "--model", "base", "--json"))["partitions"]
    assert {row["scope"] for row in rows} == {"unseen_both", "unseen", "all"}
    assert all(row["gain"] is None and row["gain_pairs"] == 0 for row in rows)


def test_unknown_is_never_counted_as_unseen(campaign, dragoman):
    unknown = TrainingGraph(evidence=Evidence.UNKNOWN)
    campaign.fill({"base": unknown, "tuned": unknown}, PAIRS)
    rows = tables(dragoman("results", "g", "--model", "tuned", "--json"))["partitions"]
    assert [(row["scope"], row["done"]) for row in rows] == [("unknown", 12), ("all", 12)]


def test_forms_hold_the_same_rows(filled, dragoman):
    as_json = tables(dragoman("results", "g", "--table", "pairs", "--json"))["pairs"]
    as_csv = list(csv.DictReader(io.StringIO(dragoman("results", "g", "--table", "pairs", "--csv").out)))
    assert len(as_json) == len(as_csv) == 2 * len(PAIRS)
    for one, other in zip(as_json, as_csv, strict=True):
        assert {key: "" if value is None else str(value) for key, value in one.items()} == other
    markdown = dragoman("results", "g", "--table", "partitions", "--markdown").out.splitlines()
    assert markdown[2].startswith("| model") and markdown[3].startswith("|:---")
    latex = dragoman("results", "g", "--table", "partitions", "--latex").out
    assert r"\toprule" in latex and r"one\_sided" in latex and latex.count(r"\midrule") == 2
    assert latex.count(r"\begin{table}") == latex.count(r"\end{table}") == 1


def test_equal_stores_print_equal_bytes(filled, dragoman):
    for form in ((), ("--json",), ("--csv",), ("--markdown",), ("--latex",)):
        first, second = dragoman("results", "g", *form), dragoman("results", "g", *form)
        assert first.out and first == second


def test_micro_weighs_pairs_by_their_segments(campaign, dragoman):
    first, second = pairs = [Pair("en", "de"), Pair("en", "fr")]
    quality = {("base", first): 0.9, ("base", second): 0.5}
    campaign.fill({"base": TrainingGraph()}, pairs, quality=quality, segments={first: 30, second: 10})
    found = tables(dragoman("results", "g", "--json"))
    high, low = (row["value"] for row in found["pairs"])
    macro = found["partitions"][-1]["mean"]
    micro = tables(dragoman("results", "g", "--micro", "--json"))["partitions"][-1]
    assert macro == pytest.approx((high + low) / 2, abs=1e-5)
    assert micro["mean"] == pytest.approx((3 * high + low) / 4, abs=1e-5)
    assert micro["low"] < micro["mean"] < micro["high"]


def test_micro_is_for_gaps_and_seeds_too(campaign, dragoman):
    segments = {pair: 10 + 5 * n for n, pair in enumerate(PAIRS)}
    models = {"base": TrainingGraph(), "m@1": GRAPH, "m@2": GRAPH}
    campaign.fill(models, PAIRS, segments=segments, seeds={"m@1": 1, "m@2": 2})
    macro, micro = (tables(dragoman("results", "g", *option, "--json")) for option in ((), ("--micro",)))
    for found in (macro, micro):
        means = {(row["model"], row["scope"]): row["mean"] for row in found["partitions"]}
        for gap in found["gap"]:
            apart = means[gap["model"], "seen"] - means[gap["model"], "recombined"]
            assert gap["raw"] == pytest.approx(apart, abs=1e-5)
            assert (gap["done"], gap["pairs"], gap["other_done"], gap["other_pairs"]) == (3, 3, 1, 1)
        for row in found["seeds"]:
            ours = [means[name, row["scope"]] for name in ("m@1", "m@2")]
            assert row["mean"] == pytest.approx(sum(ours) / 2, abs=1e-5)
    assert macro["gap"][0]["raw"] != micro["gap"][0]["raw"]
    text = dragoman("results", "g", "--micro").out
    assert text.count("weighted by segments") == 4 and "each pair alike" not in text


def test_says_why_there_are_no_intervals(campaign, dragoman):
    campaign.fill({"base": TrainingGraph(), "tuned": GRAPH}, PAIRS, statistics=False)
    found = dragoman("results", "g", "--table", "partitions").out
    assert found.count("No interval where a pair has no statistics stored.") == 1
    assert "No interval where a pair has no statistics stored." in dragoman("results", "g", "--table", "gap").out


def test_off_target_rates_of_fewer_pairs_say_so(campaign, dragoman):
    without = {("tuned", Pair("en", "ru")): ("off_target", "unknown")}
    campaign.fill({"base": TrainingGraph(), "tuned": GRAPH}, PAIRS, metrics=("bleu", "off_target"), unscorable=without)
    rows = tables(dragoman("results", "g", "--model", "tuned", "--json"))["partitions"]
    assert [(row["done"], row["off_target_pairs"]) for row in rows if row["scope"] == "all"] == [(12, 11)]
    text = dragoman("results", "g", "--model", "tuned", "--table", "partitions").out
    assert "off-target of" in text and "11 pairs" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "no grid 'nothing'"),
        (["g", "--model", "tunned"], "did you mean 'tuned'?"),
        (["g", "--metric", "blue"], "did you mean 'bleu'?"),
        (["g", "--json", "--csv"], "choose one"),
        (["g", "--table", "partition"], "did you mean 'partitions'?"),
        (["g", "--signature", "tok:zh"], "tok:zh"),
    ],
)
def test_wrong_input_is_one_sentence(filled, dragoman, arguments, said):
    outcome = dragoman("results", *arguments)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert said in outcome.err


def test_without_a_store_nothing_is_made(tmp_path, monkeypatch, dragoman):
    from dragoman.settings import settings

    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path / "none"))
    settings.cache_clear()
    outcome = dragoman("results", "g")
    settings.cache_clear()
    assert outcome.code == 2 and "dragoman run" in outcome.err and not list(tmp_path.iterdir())


def test_a_typed_name_that_is_none_is_an_error_in_python_too(filled):
    from dragoman.analysis import best_models, compare, over_seeds, partition_gap, partition_table, runs
    from dragoman.errors import StoreError

    store, blue = filled.store, ScoreQuestion("g", "blue")
    asked = [
        lambda: scores(store, "blue", grid="g").rows(),
        lambda: pair_scores(store, blue, model="tuned"),
        lambda: partition_table(store, blue, model="tuned"),
        lambda: partition_gap(store, blue, model="tuned", better="seen", worse="unseen"),
        lambda: unscored(store, blue, model="tuned"),
        lambda: compare(store, blue, a="base", b="tuned"),
        lambda: best_models(store, blue),
        lambda: over_seeds(store, blue),
        lambda: pair_columns(store, blue, model="tuned"),
        lambda: runs(store, blue),
    ]
    for question in asked:
        with pytest.raises(StoreError, match="did you mean 'bleu'"):
            question()
    with pytest.raises(StoreError, match="did you mean 'tuned'"):
        pair_scores(store, ScoreQuestion("g", "bleu"), model="tunde")
    with pytest.raises(StoreError, match="did you mean 'recombined'"):
        question = ScoreQuestion("g", "bleu")
        partition_gap(store, question, model="tuned", better="seen", worse="recombine")
