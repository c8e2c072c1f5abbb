"""Tables of several grids as one: the cells of each grid are printed as in its own table."""

from dataclasses import replace

import pytest

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.reports.campaign import across
from dragoman.reports.results import answers
from dragoman.tables.render import Form, render
from dragoman.tables.table import Table, interval, number, word

GRAPH = TrainingGraph.of([Pair("en", "de"), Pair("en", "fr"), Pair("fr", "en")])
PAIRS = all_pairs(["en", "de", "fr"])


def cells(table: Table) -> list[list[str]]:
    """The cells of a table as Markdown has them, a list for each row."""
    lines = [line for line in render([table], Form.MARKDOWN).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in [lines[0], *lines[2:]]]


def test_a_campaign_prints_what_its_grids_print(campaign):
    quality = {"base": 0.4, "tuned": 0.8}
    grids = {}
    for grid in ("one", "two"):
        campaign.fill({"base": TrainingGraph(), "tuned": GRAPH}, PAIRS, grid=grid, quality=quality)
        grids[grid] = answers(campaign.store, ScoreQuestion(grid, "bleu"), models=["base", "tuned"])
    joined = {table.name: replace(table, detail=False) for table in across("both", grids)}
    for place, table in enumerate(grids["one"]):
        if table.detail or not table.rows:
            continue
        heading, *rows = cells(table)
        of_two = cells(grids["two"][place])[1:]
        assert cells(joined[table.name]) == [["grid", *heading], *(["one", *row] for row in rows),
                                             *(["two", *row] for row in of_two)]  # fmt: skip
    heading, *rows = cells(joined["partitions"])
    assert heading.count("95% interval") == 2
    own, gain = (place for place, name in enumerate(heading) if name == "95% interval")
    tuned = next(row for row in rows if row[1] == "tuned")
    assert tuned[own][1] not in "+-"
    assert tuned[gain][1] in "+-"


def test_a_figure_stands_under_no_metric_but_its_own():
    one = Table("t", "a: mean", [word("model"), number("mean", "bleu")], [{"model": "m", "mean": 30.0}])
    two = Table("t", "b: mean", [word("model"), number("mean", "chrf")], [{"model": "n", "mean": 50.0}])
    (joined,) = across("c", {"a": [one], "b": [two]})
    assert cells(joined) == [["grid", "model", "bleu", "chrf"], ["a", "m", "30.0", ""], ["b", "n", "", "50.0"]]
    assert joined.rows[1] == {"grid": "b", "model": "n", "mean": 50.0}


def test_a_grid_called_like_a_word_of_the_title_changes_no_title():
    tables = [Table("t", f"{grid}: mean bleu", [word("model")], [{"model": "m"}]) for grid in ("mean", "other")]
    assert across("c", {"mean": tables[:1], "other": tables[1:]})[0].title == "c: mean bleu"


def test_a_title_that_counts_says_so_of_every_grid():
    tables = {"a": "a: 2 models", "b": "b: 3 models"}
    grids = {grid: [Table("t", title, [word("model")], [])] for grid, title in tables.items()}
    assert across("c", grids)[0].title == "c: 2 models; 3 models"


def test_two_columns_of_one_key_are_refused():
    with pytest.raises(ValueError, match="several columns with the key 'low'"):
        Table("t", "T", [interval("low", "high"), number("low")], [])
