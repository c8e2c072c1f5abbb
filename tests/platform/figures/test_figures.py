"""Figures: sizes of a paper, and files that are the same for the same numbers."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from matplotlib.figure import Figure

from dragoman.figures import COLUMN, PAGE, FigureError, FigureForm, figure_bytes, new_figure, series_style

BEGINNINGS = {FigureForm.SVG: b"<?xml", FigureForm.PDF: b"%PDF", FigureForm.PNG: b"\x89PNG"}


def drawn() -> Figure:
    figure, axes = new_figure()
    axes.plot([1, 2, 3], [3, 1, 2], label="chrF++")
    axes.set_xlabel("Paare, Ελληνικά")
    axes.legend()
    return figure


@pytest.mark.parametrize("form", FigureForm)
def test_the_same_figure_is_the_same_file(form: FigureForm) -> None:
    content = figure_bytes(drawn, form)
    assert content.startswith(BEGINNINGS[form]) and content == figure_bytes(drawn, form)


def test_text_can_be_edited_and_no_date_is_written() -> None:
    svg = figure_bytes(drawn, FigureForm.SVG).decode()
    assert "Paare, Ελληνικά</text>" in svg and "<dc:date>" not in svg
    assert b"CreationDate" not in figure_bytes(drawn, FigureForm.PDF)


def test_a_figure_is_as_wide_as_a_column_or_a_page() -> None:
    assert new_figure()[0].get_size_inches()[0] == COLUMN
    assert new_figure("page", height=2)[0].get_size_inches().tolist() == [PAGE, 2]
    points = re.search(r'width="([\d.]+)pt"', figure_bytes(drawn, FigureForm.SVG).decode())
    assert points and float(points[1]) == pytest.approx(72 * COLUMN)


def test_the_file_name_says_the_form() -> None:
    assert FigureForm.of_file(Path("a/b.PDF")) is FigureForm.PDF
    for name in ("figure", "figure.gif", "svg"):
        with pytest.raises(FigureError, match=r"end it with \.svg, \.pdf or \.png"):
            FigureForm.of_file(Path(name))


def test_figures_drawn_at_the_same_time_have_the_same_style() -> None:
    # matplotlib's settings are of the whole process: of two figures in two threads one could lose the style half-way
    begun = Barrier(4)

    def together(form: FigureForm) -> bytes:
        begun.wait()
        return figure_bytes(drawn, form)

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(together, [FigureForm.SVG] * 16)) == {figure_bytes(drawn, FigureForm.SVG)}


def test_no_two_series_of_many_look_alike() -> None:
    assert len({series_style(number) for number in range(63)}) == 63
