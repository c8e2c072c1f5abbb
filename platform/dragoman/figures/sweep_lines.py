"""Figure of a campaign: means over a swept key or a recipe's value, a line for each other setting, with its spread."""

from collections.abc import Callable, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dragoman.figures.style import new_figure, series_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_PANELS: Final = 3
"""Scopes beside each other in a figure, at most."""

_WIDE = 8
"""How many times the smallest number the largest is from which an axis is logarithmic."""

_LETTERS, _MOST_NAMED = 24, 12
"""Letters of a name at a tick before it is cut; names in a legend before the rest is counted."""

_BESIDE = (48, 100)
"""Letters that have room below the axes of a column, and of a page."""


class LinePoint(NamedTuple):
    """A point of a line."""

    panel: str
    """The scope."""
    line: str
    """Name of the line."""
    x: Any
    """Its place: a number, or a word."""
    mean: float
    """The mean."""
    sd: float | None
    """Its spread to either side; None where it is not known."""


def sweep_lines(points: Sequence[LinePoint], *, x: str, label: str) -> "Callable[[], Figure]":
    """What draws lines with bars of one standard deviation, a panel for each scope on one scale.

    Args:
        points: the points, those of a line in the order of their places.
        x: label of the horizontal axis.
        label: the metric.
    """
    panels = list(dict.fromkeys(point.panel for point in points))[:MOST_PANELS]
    lines = list(dict.fromkeys(point.line for point in points))
    places = list(dict.fromkeys(point.x for point in points))
    is_number = all(isinstance(place, int | float) and not isinstance(place, bool) for place in places)
    places = sorted(places) if is_number else places

    def at(place: Any) -> float:
        return float(place) if is_number else float(places.index(place))

    def draw() -> "Figure":
        figure, made = new_figure(
            "page" if len(panels) > 1 else "column",
            height=2.4 + 0.16 * min(len(lines), _MOST_NAMED),
            columns=len(panels),
        )
        every = list(made.flat) if len(panels) > 1 else [made]
        for axes, panel in zip(every, panels, strict=True):
            for number, line in enumerate(lines):
                own = [point for point in points if (point.panel, point.line) == (panel, line)]
                if own:
                    axes.errorbar(
                        [at(point.x) for point in own], [point.mean for point in own],
                        yerr=[point.sd or 0.0 for point in own], **series_style(number)._asdict(), capsize=2,
                        elinewidth=0.8, label=line,
                    )  # fmt: skip
            _ticks(axes, places, is_number=is_number, panels=len(panels))
            axes.set_title(panel.replace("_", " "))
            axes.set_xlabel(x.replace("_", " "))
        every[0].set_ylabel(f"mean {label}")
        found = {
            label: handle for axes in every for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        if len(lines) > 1:
            named = list(found)[:_MOST_NAMED]
            rest = len(found) - len(named)
            texts = [*named[:-1], f"{named[-1]} (and {rest} more)"] if rest else named
            figure.legend(
                [found[name] for name in named], texts, loc="outside lower center",
                ncols=max(1, min(3, (110 if len(panels) > 1 else 50) // max(map(len, texts)))),
            )  # fmt: skip
        return figure

    return draw


def _ticks(axes: Any, places: Sequence[Any], *, is_number: bool, panels: int) -> None:
    """Ticks whose labels don't meet: all of few places, and matplotlib's choice of many; words are broken or turned."""
    if not is_number:
        texts, is_turned = _words(places, panels)
        turn, side = (60, "right") if is_turned else (0, "center")
        axes.set_xticks(range(len(places)), texts, rotation=turn, ha=side)
        return
    if places and places[0] > 0 and places[-1] >= _WIDE * places[0]:
        axes.set_xscale("log", base=2)
        axes.minorticks_off()
        widest = max(len(f"{place:,g}") for place in places)
        shown = _apart(places, fewest=0.03 * (widest + 1) * panels)
        axes.set_xticks(shown, [f"{place:,g}" for place in shown], minor=False)
    elif len(places) <= 6 // panels + 2:
        axes.set_xticks(places, [f"{place:,g}" for place in places])
    else:
        axes.locator_params(axis="x", nbins=5)


def _words(places: Sequence[Any], panels: int) -> tuple[list[str], bool]:
    """Labels of places that are words, and whether they have to be turned to have room side by side."""
    names = [str(place).replace("_", " ") for place in places]
    broken = ["\n".join(wrap(name, _LETTERS // 2)) for name in names]
    widest = max(len(line) for text in broken for line in text.split("\n"))
    if widest * len(names) <= _BESIDE[panels > 1] // panels:
        return broken, False
    return [name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…" for name in names], True


def _apart(places: Sequence[float], *, fewest: float) -> list[float]:
    """Of places on a logarithmic axis those that stand a share of its length apart from the last that was kept."""
    ratio = places[-1] / places[0]
    kept = [places[0]]
    for place in places[1:]:
        if (place / kept[-1]) >= ratio**fewest:
            kept.append(place)
    return kept
