"""Figures of an explanation: quality against each factor, the effects of the model of pairs, and partial residuals."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from dragoman.analysis.pair_scores import BASE
from dragoman.explanation.explanation import Explanation, ModelExplanation
from dragoman.explanation.factors import (
    EXAMPLES,
    FERTILITY,
    OF_PAIRS,
    PAIRS,
    PARITY,
    PRETRAINING,
    RELATIVE,
    SIMILARITY,
    TYPES,
    UPSAMPLED,
)
from dragoman.explanation.quality import ROLES
from dragoman.figures import new_figure, series_style
from dragoman.figures.labels import label_points
from dragoman.figures.style import COLORS
from dragoman.language import english_name
from dragoman.reports.analysis_report import Drawing
from dragoman.tables.table import probability

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ACROSS = {
    PRETRAINING: "log10 of pretraining tokens",
    UPSAMPLED: "log10 of share in pretraining, upsampled",
    SIMILARITY: "similarity to {to}",
    FERTILITY: "tokens per word",
    PARITY: "tokens per {to} token",
    TYPES: "different words per word",
    PAIRS: "pairs trained on",
    EXAMPLES: "log10 of training examples + 1",
}
"""Labels of axes."""


def drawings(found: Explanation, what: str, scope: str) -> tuple[Drawing, ...]:
    """The figures; those of one model are of the first that was trained, or of the first.

    Args:
        found: the explanation.
        what: what is explained, in words.
        scope: the pairs that it is of.
    """
    model = next((each for each in found.models if each.model != BASE), found.models[0])
    against = {
        name: Drawing(
            f"quality-{name}", f"Quality of languages against {name}, {model.model}", _said(model, name, scope),
            partial(_against, found, model, name, what, scope), "languages",
        )
        for name in _ACROSS
        if any(_of(model, name, role, scope) for role in ROLES)
    }  # fmt: skip
    made = [drawing for name, drawing in against.items() if name in OF_PAIRS]
    with_pairs = [each for each in found.models if each.pairs]
    if with_pairs:
        made.append(
            Drawing(
                "effects", "Effects on the scores of pairs, with 95% intervals over other languages",
                "Standardised effects of each term of the model of pairs as dots with intervals, a colour for each of "
                f"{', '.join(each.model for each in with_pairs)}; the table has the numbers.",
                partial(_effects, with_pairs), "effects",
            )
        )  # fmt: skip
    if model.pairs:
        made.append(
            Drawing(
                "residuals", f"Partial residuals of the model of pairs, {model.model}",
                "For each term, what it and the scores of pairs have beyond all other terms, a dot for each pair, with "
                "the line of its effect; the table of effects has the slopes.",
                partial(_residuals, model), "residuals",
            )
        )  # fmt: skip
    return (*made, *(drawing for name, drawing in against.items() if name not in OF_PAIRS))


def _of(model: ModelExplanation, name: str, role: str, scope: str) -> Any:
    """The correlation of a factor."""
    return next(
        (
            each.found
            for each in model.correlations
            if (each.scope, each.role, each.factor, each.held) == (scope, role, name, ())
        ),
        None,
    )


def _said(model: ModelExplanation, name: str, scope: str) -> str:
    """What one sees, in a sentence."""
    parts = [
        f"as {role} ρ = {found.estimate:+.2f} (p {_p(found)}, {found.n} languages)"
        for role in ROLES
        if (found := _of(model, name, role, scope))
    ]
    return f"A dot for each language, labelled with its code: {name} across, quality up; {'; '.join(parts)}."


def _p(found: Any) -> str:
    text = probability(found.p, is_floor=found.p_is_floor)
    return text if text.startswith("<") else f"= {text}"


def _against(found: Explanation, model: ModelExplanation, name: str, what: str, scope: str) -> "Figure":
    figure, panels = new_figure("page", height=2.9, columns=2)
    tags = found.facts.languages
    other = name in RELATIVE
    for axes, role in zip(panels, ROLES, strict=True):
        x = np.where([other and tag == found.facts.to for tag in tags], np.nan, getattr(model.factors[name], role))
        y = model.qualities[scope, role].values
        held = ~np.isnan(x) & ~np.isnan(y)
        axes.scatter(x[held], y[held], s=12, color=COLORS[0], zorder=3)
        axes.margins(0.12)
        label_points(axes, x[held].tolist(), y[held].tolist(), [tags[place] for place in np.flatnonzero(held)])
        axes.set_xlabel(_labelled(name, found.facts.to))
        axes.set_ylabel(f"{what}, language as {role}")
        correlation = _of(model, name, role, scope)
        if correlation:
            axes.set_title(f"ρ = {correlation.estimate:+.2f}, p {_p(correlation)}, {correlation.n} languages")
    return figure


def _labelled(name: str, to: str) -> str:
    return _ACROSS[name].format(to=english_name(to))


def _effects(models: Sequence[ModelExplanation]) -> "Figure":
    terms = list(
        dict.fromkeys((each.factor, each.name) for model in models if model.pairs for each in model.pairs.coefficients)
    )
    figure, axes = new_figure("page", height=0.7 + 0.17 * max(len(models), 2) * len(terms))
    step = 0.7 / len(models)
    for place, model in enumerate(models):
        if model.pairs is None:
            continue
        color, marker = series_style(place)
        for number, each in enumerate(model.pairs.coefficients):
            y = terms.index((each.factor, each.name)) + step * (place - (len(models) - 1) / 2)
            axes.plot([each.low, each.high], [y, y], color=color, linewidth=1)
            label = f"{model.model} ({model.pairs.n} languages)" if number == 0 else None
            axes.plot([each.estimate], [y], marker, color=color, label=label)
    axes.axvline(0, color="0.6", linewidth=0.6)
    axes.set_yticks(range(len(terms)), [f"{factor}: {name}" for factor, name in terms])
    axes.invert_yaxis()
    axes.set_xlabel("β (standard deviations)")
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def _residuals(model: ModelExplanation) -> "Figure":
    fitted = model.pairs
    if fitted is None:
        raise ValueError("There is no model of pairs.")
    columns = min(3, len(fitted.coefficients))
    rows = -(-len(fitted.coefficients) // columns)
    figure, panels = new_figure("page", height=2.1 * rows, rows=rows, columns=columns)
    flat = np.atleast_1d(panels).ravel()
    for axes, each, (own, other) in zip(flat, fitted.coefficients, fitted.remainders, strict=False):
        axes.scatter(own, other, s=5, color=COLORS[0], alpha=0.6, linewidths=0)
        ends = np.array([own.min(), own.max()])
        axes.plot(ends, each.estimate * ends, color=COLORS[1])
        axes.set_title(f"{each.factor}: {each.name}")
        axes.set_xlabel("beyond the other terms")
        axes.set_ylabel("score, likewise")
    for axes in flat[len(fitted.coefficients) :]:
        axes.set_axis_off()
    return figure
