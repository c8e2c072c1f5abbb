"""Labels of points: none over another, and none where there is no room."""

from typing import Any

import pytest

from dragoman.figures import FigureForm, figure_bytes, new_figure
from dragoman.figures.labels import label_points


@pytest.mark.parametrize("columns", [1, 2])
def test_labels_do_not_meet_and_a_crowd_goes_without(columns: int) -> None:
    written: list[int] = []
    met: list[int] = []

    def crowd() -> Any:
        figure, made = new_figure(columns=columns)
        axes = made if columns == 1 else made[0]
        x = [0.0, 0.001, 0.5, 1.0, *[0.25] * 30]
        axes.scatter(x, x)
        written.append(label_points(axes, x, x, [f"l{place}" for place in range(len(x))]))
        figure.draw_without_rendering()
        boxes = [text.get_window_extent() for text in axes.texts]
        met.append(sum(one.overlaps(two) for place, one in enumerate(boxes) for two in boxes[:place]))
        return figure

    figure_bytes(crowd, FigureForm.PNG)
    assert met == [0] and 4 <= written[0] < 34
