"""A published site of a grid with two test sets and quoted scores: what is apart, and what is marked."""

import csv
import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.two_test_sets import LINES, METRIC, NEWS, PAIRS, TALKS, fill
from tests.ui_plugins.test_publishing import Addresses, sentences

from dragoman.cli.arguments import open_snapshot
from dragoman.errors import StoreError
from dragoman.planning.quoted_systems import add_scores, baseline_with_scores
from dragoman.settings import settings
from dragoman.store.store import Store
from dragoman_ui.publishing.folder import SiteFolder
from dragoman_ui.publishing.publish import Publication, Published, publish

PHRASE = "quoted from Doe 2026, table 5 (sacrebleu 13a)"


def put(folder: Path, **asked: Any) -> Published:
    with open_snapshot() as store, SiteFolder(folder) as made:
        return publish(store, Publication(**{"grid": "asked", **asked}), made, lambda *said: None)


def quote(home: Path) -> None:
    """Add `paper` to the grid, of which there are scores of two pairs alone."""
    table = home / "table.csv"
    table.write_text(f"pair,{METRIC}\nen-de,41.5\nde-en,43.25\n")
    scores = {"path": str(table), "cite": "Doe 2026, table 5", "signature": "sacrebleu 13a"}
    store = Store.open_existing(f"sqlite:///{home}/store.db", f"file://{home}/blobs")
    add_scores(store, "asked", baseline_with_scores("paper", scores, "unknown"))
    store.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("asked")
    fill(found)
    quote(found)
    return found


@pytest.fixture(autouse=True)
def at_home(home: Path, use_home: Callable[[Path], None]) -> None:
    use_home(home)


@pytest.fixture(scope="module")
def site(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRAGOMAN_HOME", str(home))
        settings.cache_clear()
        folder = tmp_path_factory.mktemp("published") / "asked"
        done = put(folder)
        assert (done.pairs, done.has_sentences) == (len(PAIRS[NEWS]) + len(PAIRS[TALKS]), True)
        yield folder
    settings.cache_clear()


def page_of(site: Path, name: str) -> str:
    return unescape((site / f"{name}.html").read_text())


def test_every_link_of_a_page_stays_with_its_test_set_but_the_choice(site: Path) -> None:
    pages = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    other = {NEWS: TALKS, TALKS: NEWS}
    alone = {f"pairs/{pair.source}-{pair.target}-{NEWS}.html" for pair in PAIRS[NEWS] if pair not in PAIRS[TALKS]}
    followed = set()
    for name in pages:
        own = TALKS if TALKS in name else NEWS
        text = (site / name).read_text()
        for address in Addresses(text).found:
            target = (
                ((site / name).parent / (address.partition("#")[0] or Path(name).name))
                .resolve()
                .relative_to(site.resolve())
            )
            assert (site / target).is_file(), f"{name}: {address}"
            followed.add(target.as_posix())
        outside = re.sub(r'<nav class="choice" aria-label="Test set">.*?</nav>', "", text, flags=re.S)
        found = Addresses(outside).found
        assert not [each for each in found if other[own] in each], name
        chosen = re.search(r'aria-label="Test set">.*?aria-current="true">(\w+)</a>', text, re.S)
        assert (chosen is None) == (name in alone)
        assert chosen is None or chosen[1] == own
    assert followed >= pages


@pytest.mark.parametrize("test_set", [NEWS, TALKS])
def test_numbers_are_those_of_the_command_on_that_test_set(
    site: Path, dragoman: Callable[..., Any], test_set: str
) -> None:
    printed = dragoman("results", "asked", "--test-set", test_set, "--json")
    found = json.loads((site / "data" / f"results-chrfpp-{test_set}.json").read_text())
    assert found == json.loads(printed.out)
    with (site / "data" / f"pairs-chrfpp-{test_set}.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["test_set"] for row in rows} == {test_set}
    value = next(row["value"] for row in rows if (row["model"], row["source"], row["target"]) == ("tuned", "en", "de"))
    assert f"{METRIC} {float(value):.1f}" in page_of(site, f"tuned-chrfpp-{test_set}-score")


def test_each_test_set_has_its_own_sentences(site: Path) -> None:
    for test_set, pairs in PAIRS.items():
        for pair in pairs:
            sources, references, texts, _ = sentences(site, f"{pair.source}-{pair.target}-{test_set}")
            assert sources == references == LINES[test_set]
            assert {line.split()[-1] for lines in texts.values() for line in lines} == {test_set}
            assert list(texts) == ["base", "tuned"]
    assert not (site / "pairs" / f"en-fr-{TALKS}.html").exists()


def test_the_provenance_names_the_test_set(site: Path) -> None:
    for test_set, other in ((NEWS, TALKS), (TALKS, NEWS)):
        text = page_of(site, f"tuned-against-base-chrfpp-{test_set}")
        assert f"<dd>{test_set}: cldr {test_set}, revision r</dd>" in text and f"cldr {other}" not in text
    assert f"Grid asked on {NEWS}, cldr {NEWS}, revision r, {TALKS}, cldr {TALKS}" in page_of(site, "index")


def test_one_test_set_can_be_chosen(tmp_path: Path) -> None:
    done = put(tmp_path / "site", test_sets=[TALKS], models=["base", "tuned"])
    assert done.pairs == len(PAIRS[TALKS])
    index = (tmp_path / "site" / "index.html").read_text()
    assert "chrf++ on talks" in index and 'aria-label="Test set"' not in index
    assert not [path for path in (tmp_path / "site").rglob("*") if NEWS in path.name]
    with pytest.raises(StoreError, match="has no test set 'talk': did you mean 'talks'"):
        put(tmp_path / "other", test_sets=["talk"])
    assert not (tmp_path / "other").exists()


def test_the_first_named_is_shown_first(tmp_path: Path) -> None:
    put(tmp_path / "site", test_sets=[TALKS, NEWS], models=["base"], sentences=False)
    assert f"{METRIC} on {TALKS}" in page_of(tmp_path / "site", "index")
    assert f"{METRIC} on {NEWS}" in page_of(tmp_path / "site", f"overview-chrfpp-{NEWS}")


def test_quoted_scores_have_their_mark_and_are_in_no_test(site: Path) -> None:
    names = {path.stem for path in site.glob("*.html")}
    assert not [name for name in names if "against" in name and "paper" in name]
    assert f"paper-chrfpp-{NEWS}-score" in names and f"paper-chrfpp-{NEWS}-gain" not in names
    index = page_of(site, "index")
    assert "paper (quoted)</a>" in index and f"paper (quoted): {PHRASE}, without translations" in index
    own = page_of(site, f"paper-chrfpp-{NEWS}-score")
    assert "<h1>paper (quoted)</h1>" in own and "41.5" in own and PHRASE in own
    ranking = page_of(site, f"ranking-chrfpp-{NEWS}-all")
    assert "Quoted, unranked" in ranking
    pair = page_of(site, f"pairs/en-de-{NEWS}")
    assert "paper (quoted)" in pair and "41.5" in pair and f"paper (quoted): {PHRASE}" in pair
    assert f"paper (quoted): {PHRASE}" not in page_of(site, f"tuned-chrfpp-{NEWS}-score")


def test_a_site_of_quoted_scores_alone(tmp_path: Path) -> None:
    done = put(tmp_path / "site", models=["paper"])
    assert done.pairs and not list((tmp_path / "site").glob("ranking-*"))
    assert "No system has a translation" in page_of(tmp_path / "site", f"pairs/en-de-{NEWS}")
    assert {path.name for path in (tmp_path / "site" / "data").glob("*.js")} == {
        f"pages-of-pairs-{NEWS}.js", f"pages-of-pairs-{TALKS}.js",
    }  # fmt: skip


def test_quoted_and_one_other_system_are_no_ranking(tmp_path: Path) -> None:
    put(tmp_path / "site", models=["base", "paper"])
    assert not list((tmp_path / "site").glob("ranking-*"))
    assert not list((tmp_path / "site").glob("*-against-*"))
