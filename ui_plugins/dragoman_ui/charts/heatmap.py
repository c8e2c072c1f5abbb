"""The pair matrix as a heat map: source by target, one tile for each pair."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

from dragoman.analysis.pair_scores import PairScore
from dragoman.cell import CellState
from dragoman.family import language_family
from dragoman.language import english_name
from dragoman.pair import Pair
from dragoman.partition import Partition, TrainingGraph
from dragoman.script import likely_script
from dragoman_ui.charts.color_scale import Scale
from dragoman_ui.viewmodels.view import Order, Show

LARGE, MEDIUM = 16, 60
"""Most languages of a matrix with roomy tiles, and with tiles that still hold a number."""


def size_of(languages: int) -> str:
    """Size of a matrix's tiles: `large`, `medium`, or `small`, which is drawn on a canvas."""
    return "large" if languages <= LARGE else "medium" if languages <= MEDIUM else "small"


DIVERGING = (Show.GAIN, Show.DIFFERENCE)
"""The quantities that have a diverging scale, with zero in its middle."""


class Tile(NamedTuple):
    """One pair of the matrix."""

    score: PairScore
    """Its score and state."""
    gain: float | None
    """The gain over the base model, of error rates how much they fall; where another run is compared with, the
    difference to it as it is."""
    look: str
    """The CSS class: a step of a scale, a partition, or the state of a pair without a number."""
    edges: str
    """CSS classes of the sides at which another partition begins."""


class HeatMap(NamedTuple):
    """A matrix of tiles; None where the grid has no such pair."""

    sources: tuple[str, ...]
    """Languages from top to bottom."""
    targets: tuple[str, ...]
    """Languages from left to right."""
    rows: tuple[tuple[Tile | None, ...], ...]
    """One row for each source, one tile for each target."""
    scale: Scale
    """The scale of the steps."""

    @property
    def states(self) -> list[CellState]:
        """The states, besides a score, that occur."""
        found = {tile.score.state for row in self.rows for tile in row if tile and tile.score.value is None}
        return [state for state in CellState if state in found]

    @property
    def partitions(self) -> list[Partition]:
        """The partitions that occur."""
        found = {tile.score.partition for row in self.rows for tile in row if tile}
        return [partition for partition in Partition if partition in found]


def heat_map(
    scores: Sequence[PairScore],
    languages: Sequence[str],
    graph: TrainingGraph,
    show: Show,
    order: Order,
    higher_is_better: bool = True,
) -> HeatMap:
    """Lay out the pairs of one model.

    Args:
        scores: every planned pair of the grid.
        languages: the grid's languages, in its order.
        graph: what the model was trained on.
        show: the quantity that colours the tiles.
        order: how languages are ordered.
        higher_is_better: False for error rates, whose scale is turned round.
    """
    by_pair = {score.pair: score for score in scores}
    sources = ordered({pair.source for pair in by_pair}, languages, graph, order, _means(scores, 0), higher_is_better)
    targets = ordered({pair.target for pair in by_pair}, languages, graph, order, _means(scores, 1), higher_is_better)
    sign = -1 if falls(show, higher_is_better) else 1
    if show in DIVERGING:
        gains = [gain for score in scores if (gain := _gain(score, sign)) is not None]
        scale = Scale.of_differences(gains, higher_is_better or sign < 0)
    else:
        scale = Scale.of_scores((score.value for score in scores if score.value is not None), higher_is_better)
    grid = [[by_pair.get(Pair(source, target)) for target in targets] for source in sources]
    is_outlined = size_of(max(len(sources), len(targets))) != "small"
    rows = tuple(
        tuple(
            Tile(
                score,
                _gain(score, sign),
                _css_class(score, show, scale, sign),
                _edges(grid, y, x) if is_outlined else "",
            )
            if score
            else None
            for x, score in enumerate(row)
        )
        for y, row in enumerate(grid)
    )
    return HeatMap(sources=tuple(sources), targets=tuple(targets), rows=rows, scale=scale)


def falls(show: Show, higher_is_better: bool) -> bool:
    """Whether what a matrix shows besides the score is a gain by falling: the gain over the base of an error rate."""
    return show is not Show.DIFFERENCE and not higher_is_better


def _gain(score: PairScore, sign: int) -> float | None:
    return None if score.value is None or score.base_value is None else sign * (score.value - score.base_value)


def _css_class(score: PairScore, show: Show, scale: Scale, sign: int) -> str:
    if show is Show.PARTITION:
        return f"p-{score.partition or 'unknown'}"
    number = _gain(score, sign) if show in DIVERGING else score.value
    if number is not None:
        return f"{'d' if scale.diverging else 'q'}{scale.step(number)}"
    return f"s-{score.state if score.value is None else 'no-base'}"


def _edges(grid: Sequence[Sequence[PairScore | None]], y: int, x: int) -> str:
    """The sides at which a tile meets the rim or another partition; a gap in the matrix has no border."""
    here = grid[y][x]

    def differs(row: int, column: int) -> bool:
        if not (0 <= row < len(grid) and 0 <= column < len(grid[row])):
            return True
        other = grid[row][column]
        return other is not None and here is not None and other.partition != here.partition

    around = {"et": (y - 1, x), "er": (y, x + 1), "eb": (y + 1, x), "el": (y, x - 1)}
    return " ".join(side for side, place in around.items() if differs(*place))


def _means(scores: Iterable[PairScore], side: int) -> dict[str, float]:
    """Mean score of each language on one side of its pairs."""
    values: defaultdict[str, list[float]] = defaultdict(list)
    for score in scores:
        if score.value is not None:
            values[score.pair[side]].append(score.value)
    return {language: fmean(found) for language, found in values.items()}


def ordered(
    found: set[str],
    languages: Sequence[str],
    graph: TrainingGraph,
    order: Order,
    means: Mapping[str, float],
    higher_is_better: bool,
) -> list[str]:
    """The languages of one side of a matrix in order.

    Args:
        found: the languages.
        languages: the grid's, in its order.
        graph: what the model was trained on.
        order: how they are ordered.
        means: the mean score of each, where it has one.
        higher_is_better: False for error rates.
    """
    places = {language: place for place, language in enumerate(languages)}
    examples: defaultdict[str, int] = defaultdict(int)
    for pair, count in graph.examples.items():
        for language in pair:
            examples[language] += count

    def by_training(language: str) -> tuple[int, int]:
        role = (language not in graph.sources) * 2 + (language not in graph.targets)
        return (role, -examples[language])

    def by_score(language: str) -> tuple[bool, float]:
        mean = means.get(language)
        return (mean is None, 0.0 if mean is None else -mean if higher_is_better else mean)

    keys: dict[Order, Callable[[str], object]] = {
        Order.GRID: lambda _: 0,
        Order.NAME: english_name,
        Order.FAMILY: lambda language: language_family(language) or "",
        Order.SCRIPT: likely_script,
        Order.TRAINING: by_training,
        Order.SCORE: by_score,
    }
    first = sorted(found, key=lambda language: (places.get(language, len(places)), language))
    if order in (Order.FAMILY, Order.SCRIPT):
        first.sort(key=english_name)
    return sorted(first, key=keys[order])  # type: ignore[arg-type]
