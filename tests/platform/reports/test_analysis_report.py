"""Reports of analyses: captions of their tables, and their figures by name."""

import pytest
from matplotlib.figure import Figure

from dragoman.errors import StoreError
from dragoman.reports.analysis_report import AnalysisReport, Drawing, texts_of
from dragoman.tables.table import Table, number, word


def table(name: str, rows: int = 2, detail: bool = False) -> Table:
    content = [{"language": f"l{index}", "value": float(index)} for index in range(rows)]
    return Table(name=name, title=name, columns=[word("language"), number("value")], content=content, detail=detail)


def report(*tables: Table, drawings: tuple[Drawing, ...] = ()) -> AnalysisReport:
    return AnalysisReport(
        name="explain", title="Factors", subject="demo", about=("Over 7 languages.", "Metric bleu."),
        tables=tables, notes=("n is small.",), drawings=drawings,
    )  # fmt: skip


def test_what_numbers_are_of_stands_below_the_first_table_and_notes_below_the_last() -> None:
    first, detail, last, empty = report(
        table("first"), table("detail", detail=True), table("last"), table("none", rows=0)
    ).captioned
    assert first.below == ["Over 7 languages. Metric bleu."]
    assert (detail.below, last.below, empty.below) == ([], ["n is small."], [])


def test_a_report_without_tables_has_none() -> None:
    assert report().captioned == []


def test_a_drawing_has_a_name() -> None:
    drawing = Drawing("curve", "Curve", "It rises.", Figure, "first")
    found = report(table("first"), drawings=(drawing,))
    assert found.drawing() is found.drawing("curve") is drawing
    with pytest.raises(StoreError, match=r"no figure 'curves'.*curve"):
        found.drawing("curves")
    with pytest.raises(StoreError, match="explain of demo has no figure"):
        report(table("first")).drawing()


def test_options_are_read_without_underscores() -> None:
    assert texts_of(["source_seen", "all"]) == (("source_seen", "source seen"), ("all", "all"))
