"""A campaign's results: models by what was swept, lines over seeds, and figures whose labels don't meet."""

import json
from statistics import fmean, stdev

import pytest

from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.sweep_results import CurvePoint, SweptModel, axes_of, curves, differing, flattened, short_names
from dragoman.figures import FigureForm, figure_bytes
from dragoman.figures.sweep_lines import LinePoint, sweep_lines
from dragoman.reports.overview import FIELDS
from dragoman.reports.sweep_results import sweep_page
from dragoman.testing import MadeCampaign


@pytest.fixture(scope="module")
def made(campaign_in, tmp_path_factory):
    """A campaign of two draws of 4 and 8 training pairs; seen pairs score 30, others one for each pair trained on."""
    with campaign_in(tmp_path_factory.mktemp("swept")) as campaign:

        def score(model, graph, pair):
            return 30.0 + model.endswith("draw2") if pair in graph.pairs else float(len(graph.pairs))

        yield MadeCampaign(campaign.store, score, sizes=(4, 8), draws=(1, 2)).add()


def printed(outcome):
    assert outcome.code == 0, outcome.err
    return outcome.out


def test_results_of_a_campaign_open_with_its_models_by_what_was_swept(made, dragoman):
    text = printed(dragoman("results", "made"))
    head = text.splitlines()[2].split()
    assert text.startswith("made: bleu of every finetuned model by what was swept")
    assert head[:3] == ["grid", "sample", "pairs.seed"] and head[-3:] == ["seen", "unseen", "all"]
    found = json.loads(printed(dragoman("results", "made", "--json")))
    assert [(row["sample"], row["pairs.seed"]) for row in found["campaign"]] == [(4, 1), (8, 1), (4, 2), (8, 2)]
    for row in found["campaign"]:
        for own in found["partitions"]:
            if (own["grid"], own["model"]) == (row["grid"], row["model"]):
                assert {key: row[f"{own['scope']}_{key}"] for key in FIELDS} == {key: own[key] for key in FIELDS}


def test_lines_are_means_over_draws_with_their_spread(made, dragoman):
    rows = json.loads(printed(dragoman("results", "made", "--json", "--table", "lines")))["lines"]
    seen = {row["x"]: row for row in rows if row["scope"] == "seen"}
    store = made.store
    for size in (4, 8):
        own = []
        for draw in (1, 2):
            question = ScoreQuestion(f"made-{size}-pairs-draw{draw}", "bleu")
            (row,) = (row for row in partition_table(store, question, model="sampled") if row.scope == "seen")
            own.append(row.mean)
        assert (seen[size]["mean"], seen[size]["sd"]) == pytest.approx((fmean(own), stdev(own)), abs=1e-6)
        assert seen[size]["models"] == 2
    words = ("--table", "lines", "--x", "training_pairs")
    assert "mean bleu by training pairs, over seeds" in printed(dragoman("results", "made", *words))
    outcome = dragoman("results", "made", "--x", "training_pears")
    assert outcome.code == 2 and "'training_pears'" in outcome.err and "training_pairs" in outcome.err


def test_its_page_has_the_figure_and_choices(made):
    report = sweep_page(made.store, {"campaign": "made", "x": "training_pairs"})
    assert [choice.name for choice in report.choices] == ["metric", "x", "sort", "columns"]
    assert dict(report.choices[1].options).keys() == {"sample", "training_pairs"}
    (drawing,) = report.drawings
    svg = figure_bytes(drawing.draw, FigureForm.SVG).decode()
    assert "training pairs</text>" in svg and "unseen</text>" in svg
    assert svg == figure_bytes(drawing.draw, FigureForm.SVG).decode()


def test_keys_are_named_by_as_few_words_as_tell_them_apart():
    facts = [flattened({"method": {"steps": n, "rank": 8}, "data": {"steps": n * 2}, "seed": n}) for n in (1, 2)]
    assert differing(facts) == ["method.steps", "data.steps", "seed"]
    assert short_names(["method.steps", "data.steps", "pairs.seed", "method.rank"]) == {
        "method.steps": "method.steps", "data.steps": "data.steps", "pairs.seed": "pairs.seed", "method.rank": "rank",
    }  # fmt: skip


def swept(**values):
    return SweptModel("g", "m", None, values, {}, {})


def test_numbers_come_before_words_and_seeds_are_no_axis():
    models = [swept(kind="full", steps=100, seed=1), swept(kind="lora", steps=200, seed=2)]
    assert axes_of(models) == ["steps", "kind"]
    assert curves(models, "steps", ["all"]) == list[CurvePoint]()


def test_labels_of_many_settings_do_not_meet():
    points = [
        LinePoint("all", f"a setting with a long name {line}", f"learning rate {x} and more words", 1.0 * x, 0.5)
        for line in range(14)
        for x in range(9)
    ]
    met = []

    def draw():
        figure = sweep_lines(points, x="setting", label="bleu")()
        figure.draw_without_rendering()
        (axes,), (legend,) = figure.axes, figure.legends
        named, ticks = (
            [text.get_window_extent() for text in texts] for texts in (legend.get_texts(), axes.get_xticklabels())
        )
        met.append(any(one.overlaps(two) for place, one in enumerate(named) for two in named[:place]))
        met.append(any(legend.get_window_extent().overlaps(tick) for tick in ticks))
        assert len(ticks) == 9 and legend.get_texts()[-1].get_text().endswith("(and 2 more)")
        return figure

    figure_bytes(draw, FigureForm.PNG)
    assert met == [False, False]
