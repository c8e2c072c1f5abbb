"""Heat maps of pair matrices, from a few languages to two hundred."""

import re
from itertools import combinations, product
from string import ascii_lowercase

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.text import Text

from dragoman.family import language_groups
from dragoman.figures import COLUMN, PAGE, FigureForm, figure_bytes
from dragoman.figures.heat_map import draw_heat_map, heat_map, partition_handles, shared_limits
from dragoman.figures.pair_matrix import PairMatrix, bands, by_family
from dragoman.figures.style import STYLE, new_figure
from dragoman.pair import all_pairs
from dragoman.partition import Partition, TrainingGraph

SIX = ["ar", "de", "en", "fi", "fr", "ru"]
MANY = ["zh-Hans", "zh-Hant", *filter(language_groups, map("".join, product(ascii_lowercase, repeat=2)))]
"""Languages that CLDR knows by two letters, 172 of them, and Chinese in two scripts."""


def matrix(languages: list[str], **options: object) -> PairMatrix:
    """Made-up scores of all pairs, a third of those with English trained; the first pair has no score."""
    pairs = all_pairs(languages)
    graph = TrainingGraph.of(pair for pair in pairs if "en" in pair and len(set(pair) & set(languages[::3])) == 1)
    rng = np.random.default_rng(1)
    values = np.where(rng.random(len(pairs)) < 0.5, 20.0, 60.0) + rng.random(len(pairs)) * 9
    values[0] = np.nan
    sides = list(zip(*pairs, strict=True))
    return PairMatrix.of(*sides, values, [graph.partition(pair) for pair in pairs], **options)


def texts(svg: bytes) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg.decode())


def test_few_languages_are_ordered_by_code_and_many_by_family():
    assert matrix(SIX).sources == ("ar", "de", "en", "fi", "fr", "ru")
    assert matrix(SIX, order=["ru", "en", "xx", *SIX]).targets == ("ru", "en", "ar", "de", "fi", "fr")
    many = matrix([*MANY[:39], "en"])
    found = bands(many.sources)
    assert len({band.family for band in found}) == len(found), "each family is one band"
    assert found[0].family == "Indo-European"
    assert [band.end for band in found[:-1]] == [band.start for band in found[1:]]
    assert by_family(["sw", "de", "en"]) == ["en", "de", "sw"], "the largest first, then by English names"


def test_a_value_is_at_its_source_and_target():
    found = PairMatrix.of(["de", "en"], ["en", "de"], [1.0, None], [Partition.SEEN, None])
    assert (found.sources, found.targets) == (("de", "en"), ("de", "en"))
    np.testing.assert_array_equal(found.values, [[np.nan, 1.0], [np.nan, np.nan]])
    assert found.counts == {Partition.SEEN: 1, None: 1}
    assert found.lacking.tolist() == [[False, False], [True, False]]


def test_the_figure_says_what_it_is_of_and_has_every_number_of_a_small_matrix():
    small = matrix(SIX)

    def draw():
        return heat_map(small, title="roles: chrf++ on flores200 devtest", unit="chrf++ (0 to 100)")

    svg = figure_bytes(draw, FigureForm.SVG)
    assert svg == figure_bytes(draw, FigureForm.SVG)
    said = texts(svg)
    assert {"roles: chrf++ on flores200 devtest", "chrf++ (0 to 100)", "source language", *SIX} <= set(said)
    numbers = small.values[~np.isnan(small.values)]
    assert sorted(f"{number:.1f}" for number in numbers) == sorted(
        each for each in said if re.fullmatch(r"\d+\.\d", each)
    )
    legend = [handle.get_label() for handle in partition_handles([small])]
    assert legend[-1] == "no score (1)"
    assert set(legend) <= set(said)
    assert sum(small.counts.values()) == 30


@pytest.mark.parametrize(("languages", "width"), [(6, "page"), (45, "column")])
def test_tiles_are_squares_and_no_code_is_printed_over_another(languages: int, width: str):
    own = matrix(SIX if languages == 6 else [*MANY[: languages - 1], "zu"])
    with rc_context(STYLE):
        figure = heat_map(own, title="a title", unit="bleu", width=width)
        figure.draw_without_rendering()
        assert figure.get_figwidth() == {"column": COLUMN, "page": PAGE}[width]
        whole, axes = figure.bbox, figure.axes[0]
        box = axes.get_window_extent()
        assert box.width == pytest.approx(box.height, rel=0.02)
        codes = set(own.sources)
        found = [
            Text.get_window_extent(text)  # of its letters alone, without the line that leads to them
            for text in [*axes.texts, *axes.get_xticklabels(), *axes.get_yticklabels()]
            if text.get_text() in codes
        ]
        assert len(found) == 2 * languages, "every language is written at both sides"
        assert not any(one.overlaps(other) and _shared(one, other) > 1.0 for one, other in combinations(found, 2))
        assert all(whole.x0 <= one.x0 and one.x1 <= whole.x1 and whole.y0 <= one.y0 for one in found)


def _shared(one, other) -> float:
    """How far two boxes reach into each other, in points, along the side along which that is least."""
    sides = min(one.x1, other.x1) - max(one.x0, other.x0), min(one.y1, other.y1) - max(one.y0, other.y0)
    return min(sides) * 72 / 150


def test_small_multiples_have_one_scale():
    first, second = matrix(SIX), matrix(["de", "en", "sw"])
    limits = shared_limits([first, second])
    assert limits.low == 0
    assert limits.high >= np.nanmax(first.values)
    differences = PairMatrix.of(["de", "en"], ["en", "de"], [-7.0, 3.0], [Partition.SEEN, None])
    symmetric = shared_limits([differences], diverging=True)
    assert symmetric.low == -symmetric.high <= -7.0
    _, panels = new_figure("page", columns=2)
    images = [
        draw_heat_map(axes, own, limits=limits, tile=20.0) for axes, own in zip(panels, [first, second], strict=True)
    ]
    assert {image.get_clim() for image in images} == {(limits.low, limits.high)}
    low, high = (images[0].cmap(images[0].norm(value)) for value in limits)
    assert sum(low) > sum(high), "the best is dark"
    falling = draw_heat_map(panels[0], first, limits=limits, tile=20.0, higher_is_better=False)
    assert falling.cmap(falling.norm(limits.low)) == high, "and of an error rate that is the lowest"
