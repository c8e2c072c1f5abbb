"""Errors that metrics mark, and disagreeing metrics, in a real browser."""

from collections.abc import Callable
from typing import Any

from tests.ui_plugins.test_ui_metric_errors import marked

__all__ = ["marked"]
Do = Callable[..., Any]


def test_marked_errors_and_the_page_of_metrics_are_easy_to_use(
    marked: list[str], open_page: Do, settled: Do, picture: Do, hard_to_use: Do
) -> None:
    page = settled(open_page("/cell?grid=demo&source=en&target=ar&by=gemba-mqm:one"))
    critical = page.locator(".error.is-critical").nth(1)  # the first is the legend's
    assert "wavy" in critical.evaluate(
        "each => getComputedStyle(each).textDecorationLine + getComputedStyle(each).textDecorationStyle"
    )
    assert "accuracy" in critical.get_attribute("title")
    picture(page, "metric-errors")
    assert hard_to_use(page) == []
    page = settled(open_page("/analysis?name=metrics&grid=demo"))
    page.locator(".drawing img").evaluate("async (each) => { await each.decode(); }")
    picture(page, "metric-disagreement")
    assert hard_to_use(page) == []
