"""The tabs of a grid, its page of models, the way from pair to pair, and the matrix by family."""

import csv
import io
import re
from collections import defaultdict
from html import unescape
from statistics import fmean

import numpy as np
import pytest
from flask.testing import FlaskClient

from dragoman.analysis.pair_scores import pair_columns
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.family import family_name
from dragoman.pair import Pair
from dragoman.script import script_name
from dragoman.store.store import Store
from dragoman_ui.charts.family_map import family_map
from dragoman_ui.pages.cell import neighbours
from dragoman_ui.viewmodels.store import open_store
from dragoman_ui.viewmodels.view import Show

TABS = ["Pairs", "Partitions", "Runs", "Compare", "Progress", "Models"]
PAGES = {
    "grid?grid=demo&model=roles&metric=chrf%2B%2B": "Pairs",
    "partitions?grid=demo&model=roles&metric=chrf%2B%2B": "Partitions",
    "runs?grid=demo&metric=chrf%2B%2B": "Runs",
    "compare?grid=demo&model=roles&against=base&metric=chrf%2B%2B": "Compare",
    "job?grid=demo": "Progress",
    "models?grid=demo": "Models",
    "cell?grid=demo&source=en&target=de&model=roles": "Pairs",
    "rank?grid=demo": "Compare",
    "card?grid=demo&model=roles": "Models",
    "analysis?name=errors&grid=demo": None,
}


def tabs(text: str) -> dict[str, tuple[str, str | None]]:
    """The tabs of a page: address and `aria-current` by title."""
    (nav,) = re.findall(r'<nav class="tabs".*?</nav>', text, re.S)
    links = re.findall(r'<a href="([^"]*)"(?: aria-current="(\w+)")?>(.*?)</a>', nav)
    return {title: (unescape(address), current or None) for address, current, title in links}


@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_a_grid_has_tabs_and_marks_where_one_is(client: FlaskClient, page: str) -> None:
    found = tabs(client.get(f"/dragoman/{page}").text)
    assert [title for title in found if title != "Overview"] == TABS
    assert [title for title, (_, current) in found.items() if current] == ([PAGES[page]] if PAGES[page] else [])
    for title, (address, _) in found.items():
        if page in (next(iter(PAGES)), "models?grid=demo"):
            assert client.get(address).status_code == 200, title
        if "chrf" in page and title in TABS[:4]:
            assert "chrf%2B%2B" in address  # what was chosen is kept
    assert {"page", "true", None} >= {current for _, current in found.values()}


def test_the_models_of_a_grid(client: FlaskClient) -> None:
    rows = list(csv.DictReader(io.StringIO(client.get("/dragoman/models?grid=demo&form=csv").text)))
    assert [(row["model"], row["parent"], row["training_pairs"]) for row in rows] == [
        ("base", "", "0"), ("english-centric", "base", "10"), ("roles", "base", "4"),
    ]  # fmt: skip
    assert "card?grid=demo&amp;model=roles" in client.get("/dragoman/models?grid=demo").text


def test_pairs_have_neighbours_in_the_order_of_the_grid(client: FlaskClient) -> None:
    store = open_store()
    planned = store.grids.pairs("demo")
    assert len(planned) == 30 and planned[:2] == [Pair("en", "de"), Pair("en", "ru")]
    assert neighbours(planned, planned[0]) == (None, planned[1])
    assert neighbours(planned, planned[-1]) == (planned[-2], None)
    assert neighbours(planned, Pair("en", "en")) == (None, None)
    text = client.get("/dragoman/cell?grid=demo&source=en&target=ru&model=roles").text
    ways = dict(re.findall(r'<a rel="(prev|next)" href="([^"]*)"', text))
    assert "source=en&amp;target=de" in ways["prev"] and "source=en&amp;target=ar" in ways["next"]
    assert all("model=roles" in address for address in ways.values())


def test_families_and_scripts_have_names_for_axes() -> None:
    # CLDR 47, supplemental languageGroups and likelySubtags; names of scripts as in its English locale
    assert [family_name(tag) for tag in ("de", "sw", "ko", "eu")] == [
        "Indo-European", "Niger-Kordofanian", "Korean", "Basque",
    ]  # fmt: skip
    assert [script_name(tag) for tag in ("de", "ru", "zh-Hans")] == ["Latin", "Cyrillic", "Simplified Han"]


@pytest.mark.parametrize("show", [Show.SCORE, Show.GAIN])
def test_a_family_map_is_the_mean_of_its_pairs(client: FlaskClient, show: Show) -> None:
    store: Store = open_store()
    columns = pair_columns(store, ScoreQuestion("demo", "bleu"), model="roles")
    numbers = columns.gains if show is Show.GAIN else columns.own.values
    expected: dict[tuple[str, str], list[float]] = defaultdict(list)
    for pair, value in zip(columns.pairs, numbers.tolist(), strict=True):
        expected[family_name(pair.source), family_name(pair.target)].append(value)
    languages = store.grids.get("demo").languages
    found = family_map(columns, languages, show)
    assert [name for name, _ in found.families] == ["Indo-European", "Afro-Asiatic", "Sino-Tibetan"]
    for (source, _), tiles in zip(found.families, found.rows, strict=True):
        for (target, _), tile in zip(found.families, tiles, strict=True):
            values = expected.get((source, target))
            if values is None:
                assert tile is None  # a language of its own family is translated into others only
                continue
            known = [value for value in values if not np.isnan(value)]
            assert tile is not None and (tile.scored, tile.pairs) == (len(known), len(values))
            assert tile.value == (pytest.approx(fmean(known)) if known else None)
    text = client.get(f"/dragoman/families?grid=demo&model=roles&show={show}&form=csv").text
    means = {(row["source_family"], row["target_family"]): row["mean"] for row in csv.DictReader(io.StringIO(text))}
    first = found.rows[0][0]
    assert first is not None and first.value is not None
    assert float(means["Indo-European", "Indo-European"]) == pytest.approx(first.value, abs=1e-6)


def test_a_tile_of_a_family_map_opens_its_pairs(client: FlaskClient) -> None:
    text = client.get("/dragoman/families?grid=demo&model=roles").text
    address, label = re.findall(r'<a href="([^"]*)" aria-label="(Indo-European to Afro-Asiatic[^"]*)"', text)[0]
    page = client.get(unescape(address)).text
    assert re.search(r"mean bleu \d+\.\d; 3 of 4 pairs", label)
    assert 'id="chosen">4 pairs<' in page
