"""Figures of partitions, comparisons and curves: every number is where it belongs."""

from typing import Any

import numpy as np
import pytest
from matplotlib import rc_context

from dragoman.figures import FigureForm, figure_bytes
from dragoman.figures.curve import CurvePoint, curve
from dragoman.figures.paired import PairedScore, paired_scores
from dragoman.figures.partitions import ScopeScore, partition_scores
from dragoman.figures.style import STYLE
from dragoman.partition import Partition

SCORES = [
    ScopeScore("base", "all", 1.0, None, None),
    ScopeScore("roles", "seen", 70.0, 65.0, 76.0),
    ScopeScore("roles", "all", 30.0, 28.0, 33.0),
]


def ends(container: Any) -> list[list[float]]:
    """The ends of the bars of an errorbar, from below."""
    (bars,) = container[2]
    return [[segment[0][1], segment[1][1]] for segment in bars.get_segments()]


def test_partitions_have_a_point_with_its_interval_for_each_system() -> None:
    with rc_context(STYLE):
        figure = partition_scores(SCORES, title="bleu by partition", unit="bleu (0 to 100)")
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["seen", "all"]
    base, roles = axes.containers
    np.testing.assert_array_equal(base[0].get_ydata(), [1.0])
    np.testing.assert_array_equal(roles[0].get_ydata(), [70.0, 30.0])
    assert ends(roles) == [[65.0, 76.0], [28.0, 33.0]] and ends(base) == [[1.0, 1.0]]
    assert base[0].get_xdata()[0] < roles[0].get_xdata()[1], "systems stand side by side"


def test_pairs_of_a_comparison_are_ordered_from_gain_to_loss() -> None:
    scores = [
        PairedScore("de-en", Partition.SEEN, -2.0, -3.0, -1.0, True),
        PairedScore("en-de", None, 5.0, 1.0, 9.0, False),
    ]
    for higher, order in ((True, ["en-de", "de-en"]), (False, ["de-en", "en-de"])):
        figure = paired_scores(scores, title="b minus a", unit="bleu", higher_is_better=higher)
        (axes,) = figure.axes
        assert [label.get_text() for label in axes.get_yticklabels()] == order
        dots = [line for line in axes.lines if line.get_marker() == "o"]
        assert [float(dot.get_xdata()[0]) for dot in dots] == [5.0, -2.0][:: 1 if higher else -1]
        by_delta = {float(dot.get_xdata()[0]): dot.get_markerfacecolor() for dot in dots}
        assert by_delta[5.0] == "white" != by_delta[-2.0], "what is not significant is hollow"
        assert [text.get_text() for text in figure.legends[0].get_texts()] == ["seen", "unknown", "not significant"]
    many = [PairedScore(f"{place}", Partition.SEEN, place, None, None, None) for place in range(90)]
    (axes,) = paired_scores(many, title="many", unit="bleu").axes
    assert not axes.get_yticklabels() and axes.get_ylabel() == "90 pairs"


def test_a_curve_goes_through_means_and_has_a_dot_for_each_seed() -> None:
    points = [CurvePoint("seen", x, y) for x, y in ((4, 10.0), (4, 20.0), (8, 30.0), (64, 60.0))]
    figure = curve([*points, CurvePoint("unseen", 4, 1.0)], title="bleu", x_label="pairs", y_label="bleu")
    (axes,) = figure.axes
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[4, 15], [8, 30], [64, 60]])
    np.testing.assert_array_equal(axes.collections[0].get_offsets(), [[4, 10], [4, 20]])
    assert axes.get_xscale() == "log"
    assert curve(points[:3], title="bleu", x_label="pairs", y_label="bleu").axes[0].get_xscale() == "linear"


@pytest.mark.parametrize("form", [FigureForm.SVG, FigureForm.PDF])
def test_they_are_the_same_bytes_each_time(form: FigureForm) -> None:
    def draw() -> Any:
        return partition_scores(SCORES, title="bleu by partition", unit="bleu")

    first = figure_bytes(draw, form)
    assert first == figure_bytes(draw, form)
    assert form is FigureForm.PDF or b">bleu by partition</text>" in first
