"""Figures of an error profile: rates with their intervals, and where the wrong language goes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dragoman.error_profile.flows import Category, Flow
from dragoman.error_profile.rates import LabelRate
from dragoman.figures import new_figure, series_style
from dragoman.reports.analysis_report import Drawing
from dragoman.reports.language_matrix import language_matrix

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_INCHES = 0.16
"""Height of a row."""


def system_name(model: str, prompt: str | None, *, has_prompts: bool) -> str:
    """What a system is called in a figure."""
    return f"{model}:{prompt}" if has_prompts and prompt else model


def rate_drawing(rates: Sequence[LabelRate], *, has_prompts: bool, scope: str) -> Drawing:
    """Rates of each label and system, with intervals, and those on references."""
    systems = list(dict.fromkeys(system_name(each.model, each.prompt, has_prompts=has_prompts) for each in rates))
    titles = list(dict.fromkeys(_title(each) for each in rates))
    pairs = scope.replace("_", " ")

    def draw() -> "Figure":
        height = 1.0 + len(titles) * (0.6 + 0.5 * len(systems)) * _INCHES
        figure, axes = new_figure("page", height=height)
        step = 0.8 / len(systems)
        for number, name in enumerate(systems):
            own = [each for each in rates if system_name(each.model, each.prompt, has_prompts=has_prompts) == name]
            places = [titles.index(_title(each)) + (number + 0.5) * step - 0.4 for each in own]
            values = np.array([each.estimate for each in own])
            errors = np.abs(np.array([[each.low for each in own], [each.high for each in own]]) - values)
            style = series_style(number)
            axes.errorbar(values, places, xerr=errors, fmt=style.marker, color=style.color, label=name, elinewidth=0.8)
            axes.scatter(
                [each.references for each in own], places, marker="|", s=30, color="#777777", linewidth=1,
                label="on references" if number == 0 else None,
            )  # fmt: skip
        axes.set_yticks(range(len(titles)), titles)
        axes.invert_yaxis()
        axes.set_xlim(left=0)
        axes.set_xlabel("percent of hypotheses")
        figure.legend(loc="outside upper center", ncols=min(4, len(systems) + 1))
        return figure

    top = max(rates, key=lambda each: each.estimate if each.label else -1)
    alt = (
        f"Rates of {len(titles)} labels for {len(systems)} systems with 95% intervals; the highest is {_title(top)} of "
        f"{top.model}, {top.estimate:.1f}%."
    )
    return Drawing("rates", f"Errors on {pairs} pairs", alt, draw, "errors")


def _title(rate: LabelRate) -> str:
    return rate.label.facts.title if rate.label else "any"


def flow_drawing(flows: Sequence[Flow], *, has_prompts: bool) -> tuple[Drawing, ...]:
    """One matrix for each system: the language asked for by the language found."""
    found: dict[str, list[Flow]] = {}
    for flow in flows:
        found.setdefault(system_name(flow.model, flow.prompt, has_prompts=has_prompts), []).append(flow)
    return tuple(_matrix(name, own, place) for place, (name, own) in enumerate(found.items()))


def _matrix(name: str, flows: Sequence[Flow], place: int) -> Drawing:
    draw = language_matrix(
        [(flow.asked, flow.found, flow.estimate) for flow in flows], rows="language asked for", least=0.5
    )
    wrong = sum(each.sentences for each in flows if each.category not in (Category.TARGET, Category.UNDECIDED))
    total = sum(each.sentences for each in flows)
    alt = (
        f"Of {total} hypotheses of {name}, {wrong} are in another language than the one asked for, percent of each row."
    )
    suffix = f"-{place + 1}" if place else ""
    return Drawing(f"flows{suffix}", f"Where the wrong language goes: {name}", alt, draw, "flows")
