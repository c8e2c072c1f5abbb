"""Captions of the pages' figures: what a view's numbers were measured on, and how, in a line."""

from collections.abc import Mapping
from typing import NamedTuple, Self

from dragoman.analysis.caption import Caption, caption_line, caption_of
from dragoman.analysis.comparison import captions_of_compared
from dragoman.analysis.pair_differences import higher_is_better
from dragoman.metrics.lookup import metric_class
from dragoman.store.store import Store
from dragoman.tables.table import Row
from dragoman_ui.viewmodels.comparison import compared_with, said
from dragoman_ui.viewmodels.view import Show, View


class Measured(NamedTuple):
    """What the numbers of a figure were measured on."""

    line: str | None
    """The caption below the figure; None where nothing is known."""
    on: str
    """The test set, for the title: its name in the grid, or corpus and split."""
    facts: Row
    """What every row of its table says of it: those of the last system."""

    @classmethod
    def of(cls, captions: Mapping[str, Caption]) -> Self:
        """What the numbers of some systems were measured on, by their names."""
        last = next(iter([*captions.values()][::-1]), None)
        sets = dict.fromkeys(each.test_set_name or f"{each.corpus} {each.split}" for each in captions.values())
        return cls(caption_line(captions), " and ".join(sets), last.facts if last else {})


def measured(store: Store, view: View) -> Measured:
    """What a view of one model was measured on."""
    return Measured.of({view.model: caption_of(store, view.question, model=view.model)})


def measured_beside(store: Store, view: View, against: str) -> Measured:
    """What a view of one system beside another was measured on."""
    other, own = captions_of_compared(store, view.question, a=said(store, view, against), b=view.model)
    return Measured.of({against: other, view.model: own})


def measured_of(store: Store, view: View) -> Measured:
    """What a view's heat map was measured on: of a difference both systems."""
    if view.show is Show.DIFFERENCE:
        return measured_beside(store, view, compared_with(store, view))
    return measured(store, view)


def subject_of(view: View, other: str, on: str) -> str:
    """What a heat map is of: metric, model and test set.

    Args:
        view: the view.
        other: what a difference is to.
        on: the test set (`Measured.on`).
    """
    asked = f" ({view.prompt})" if view.prompt else ""
    lines = f", lines with {view.lines}" if view.lines else ""
    if view.show is Show.PARTITION:
        return f"Partitions of the pairs for {view.model}"
    gain, over = {Show.GAIN: ("gain ", " over base"), Show.DIFFERENCE: ("", f" minus {other}")}.get(view.show, ("", ""))
    return f"{view.metric} {gain}of {view.model}{over}{asked} on {on}{lines}"


def title_of(view: View, other: str, on: str) -> str:
    """The title of a heat map's figure, which names the grid too; arguments as for `subject_of`."""
    return f"{view.grid}: {subject_of(view, other, on)}"


def unit_of(metric: str, show: str, other: str = "base") -> str:
    """What a colour scale measures: the metric, its range and which way is better; or what a difference is to.

    Args:
        metric: name of the metric.
        show: the quantity that colours the tiles (`view.Show`).
        other: what a difference is to.
    """
    least, most = (None, None) if (kind := metric_class(metric)) is None else kind.bounds
    if show == Show.GAIN:
        return f"{metric} points better than the base"
    if show == Show.DIFFERENCE:
        return f"{metric} points more than {other}"
    ends = "" if least is None or most is None else f", {least:g} to {most:g}"
    return f"{metric}{ends}; {'higher' if higher_is_better(metric) else 'lower'} is better"
