"""`dragoman publish`: what a static site holds, what it doesn't, and when it is refused."""

import base64
import filecmp
import json
import re
import shutil
import zlib
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from dragoman import plugins
from dragoman.cli.arguments import open_snapshot
from dragoman.corpora.kinds.flores_plus import FloresPlus
from dragoman.pair import Pair
from dragoman.settings import settings
from dragoman.store.database.connection import Database
from dragoman_ui.publishing.folder import MANIFEST, PublishError, SiteFolder
from dragoman_ui.publishing.provenance import against_republishing
from dragoman_ui.publishing.publish import Publication, Published, publish
from dragoman_ui.viewmodels.store import shared_store

MODELS = ("base", "roles")


def write(folder: Path, force: bool = False, **asked: Any) -> Published:
    with open_snapshot() as store, SiteFolder(folder, force=force) as made:
        publication = Publication(**{"grid": "demo", "models": MODELS, "metrics": ("bleu",), **asked})
        return publish(store, publication, made, lambda what, done, total: None)


@pytest.fixture(scope="module")
def site(filled_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The site of two models of the grid `demo`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRAGOMAN_HOME", str(filled_home))
        settings.cache_clear()
        shared_store.cache_clear()
        folder = tmp_path_factory.mktemp("published") / "demo"
        write(folder, title="Demo & <i>roles</i>")
        yield folder
    settings.cache_clear()
    shared_store.cache_clear()


class Addresses(HTMLParser):
    """Every address of a page, and its inline scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.ids: set[str] = set()
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        self.found += [str(held[name]) for name in ("href", "src", "action") if name in held]
        self.ids |= {str(held["id"])} if "id" in held else set()
        self.inline += [name for name in held if name.startswith("on") or name == "style"]
        self.inline += [tag] if tag == "style" or (tag == "script" and "src" not in held) else []


def held(site: Path, name: str) -> bytes:
    """The bytes of a data file."""
    text = (site / "data" / f"{name}.js").read_text()
    found = re.fullmatch(r'published\("([\w-]+)", "([A-Za-z0-9+/=]*)"\);\n', text)
    assert found and found[1] == name
    return zlib.decompress(base64.b64decode(found[2]), -zlib.MAX_WBITS)


def read_words(
    codes: Iterator[int], words: list[str], reference: str, before: list[str] | None, joint: str
) -> list[str]:
    """The words of the next hypothesis, as the pages' script reads them."""
    others = [reference.split(" ") if joint else list(reference), *([] if before is None else [before])]
    places, found = [0] * len(others), list[str]()
    while True:
        code = shift = 0
        while True:
            byte = next(codes)
            code |= (byte & 127) << shift
            shift += 7
            if not byte & 128:
                break
        if code == 0:
            return found
        word = words[code - 3] if code > 2 else others[code - 1][places[code - 1]]
        found.append(word)
        for number, other in enumerate(others):
            ahead = other[places[number] : places[number] + 8]
            places[number] += ahead.index(word) + 1 if word in ahead else 1


def sentences(site: Path, pair: str) -> tuple[list[str], list[str], dict[str, list[str]], dict[str, Any]]:
    """The sources, references and hypotheses that a site has of a pair, and what else it says of each system."""
    data = held(site, pair)
    length = int.from_bytes(data[:4], "little")
    about = json.loads(data[4 : 4 + length])
    sources, references, words = (json.loads(held(site, about[name])) for name in ("source", "reference", "words"))
    systems, codes = about["systems"], iter(data[4 + length :])
    by_name: dict[str, list[str]] = {each["name"]: [] for each in systems}
    for reference in references:
        before = None
        for name in by_name:
            before = read_words(codes, words, reference, before, about["joint"])
            by_name[name].append(about["joint"].join(before))
    assert list(codes) == []
    return sources, references, by_name, {each["name"]: each for each in systems}


def test_every_link_leads_to_a_file_of_the_site(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) == 30 + 1 + 2 + 2 + 3 + 1  # pairs, overview, rankings, heat maps of each, comparison
    followed = set()
    for page in pages:
        parsed = Addresses(page.read_text())
        assert parsed.inline == [], page
        for address in parsed.found:
            assert not urlsplit(address).scheme and not address.startswith("/"), f"{page}: {address}"
            path, anchor = unquote(urlsplit(address).path), urlsplit(address).fragment
            target = (page.parent / path).resolve() if path else page
            assert target.is_file() and target.is_relative_to(site.resolve()), f"{page}: {address}"
            assert not anchor or anchor.startswith("label-") or anchor in parsed.ids
            followed.add(target)
    assert followed >= {page.resolve() for page in pages}  # no page is an orphan


VOCABULARIES = {
    "http://www.w3.org/2000/svg",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "http://purl.org/dc/elements/1.1/",
}
"""Names of vocabularies, which nobody fetches: those of a figure and of what stands in it about its content."""


def test_nothing_of_the_folder_names_an_address_elsewhere(site: Path) -> None:
    for path in site.rglob("*"):
        if path.is_file() and path.suffix != ".json" and "data" not in path.parts:
            found = set(re.findall(r"(?:https?:)?//[\w.]+\.[a-z]{2,}[^\s\"']*", path.read_text()))
            assert found <= VOCABULARIES, path


def test_every_page_has_the_policy_and_the_provenance(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text()
        assert "default-src &#39;none&#39;" in text and "connect-src" not in text
        for said in ("cldr test, revision r", "Unicode License v3", "16 sentences a pair", "nrefs:1|case:mixed",
                     "greedy, at most", "{source}", "Dragoman 0.1.0"):  # fmt: skip
            assert said in text, f"{page} lacks {said}"
        assert "noindex" not in text
        assert "<i>roles</i>" not in text and "Demo &amp; &lt;i&gt;roles&lt;/i&gt;" in text


def test_the_numbers_are_those_of_results(site: Path, filled: Path, dragoman: Callable[..., Any]) -> None:
    printed = dragoman("results", "demo", "--metric", "bleu", "--model", "base", "--model", "roles", "--json")
    assert json.loads((site / "data" / "results-bleu.json").read_text()) == json.loads(printed.out)
    as_csv = dragoman("results", "demo", "--metric", "bleu", "--model", "base", "--model", "roles", "--csv")
    assert (site / "data" / "partitions-bleu.csv").read_text().splitlines()[0] == as_csv.out.splitlines()[0]
    rows = json.loads(printed.out)["pairs"]
    scored = next(row for row in rows if (row["model"], row["source"], row["target"]) == ("roles", "en", "ru"))
    assert f"bleu {scored['value']:.1f}, 95% interval" in (site / "roles-bleu-score.html").read_text()


def test_the_sentences_are_those_of_the_store(site: Path, filled: Path, made: Any) -> None:
    store = shared_store()
    for pair in (Pair("en", "de"), Pair("ar", "zh-Hans"), Pair("de", "zh-Hans")):
        sources, references, texts, about = sentences(site, f"{pair.source}-{pair.target}".lower())
        cells = {cell.cell.model.removeprefix("model1-"): cell for cell in store.cells.of_grid("demo", pair)}
        assert (sources, references) == store.blobs.test(cells["base"].test)
        assert "english-centric" not in texts
        assert ("roles" in texts) == (pair != made.failed)
        for name, found in texts.items():
            assert found == [line.text for line in store.blobs.translation(cells[name].hypotheses)]
            assert len(about[name]["scores"]) == len(sources)
    assert not (site / "data" / f"{made.missing.source}-{made.missing.target}.js").exists()


def test_lines_that_languages_share_are_written_once(site: Path) -> None:
    names = {path.stem for path in (site / "data").glob("lines-*.js")}
    assert names == {f"lines-{tag}" for tag in ("ar", "de", "en", "hi", "ru", "zh-Hans")}


def test_the_same_store_gives_the_same_bytes(site: Path, filled: Path, tmp_path: Path) -> None:
    write(tmp_path / "again", title="Demo & <i>roles</i>")
    assert same_files(site, tmp_path / "again")


def same_files(one: Path, other: Path) -> bool:
    names = sorted(str(path.relative_to(one)) for path in one.rglob("*") if path.is_file())
    assert names == sorted(str(path.relative_to(other)) for path in other.rglob("*") if path.is_file())
    return filecmp.cmpfiles(one, other, names, shallow=False)[1:] == ([], [])


def test_a_site_is_replaced_whole(filled: Path, tmp_path: Path, site: Path) -> None:
    folder = tmp_path / "site"
    shutil.copytree(site, folder)
    done = write(folder, sentences=False, models=("base",), is_hidden=True)
    assert not (folder / "roles-bleu-score.html").exists()
    assert [path.name for path in (folder / "data").glob("*.js")] == ["pages-of-pairs.js"]
    assert 'name="robots" content="noindex' in (folder / "index.html").read_text()
    assert "without sentences" in (folder / "pairs" / "en-de.html").read_text()
    assert not (folder / "ranking-bleu-all.html").exists()  # one system is no ranking
    there = [path for path in folder.rglob("*") if path.is_file()]
    assert (done.files, done.bytes) == (len(there), sum(path.stat().st_size for path in there))
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    manifest = json.loads((folder / MANIFEST).read_text())
    assert manifest["grid"] == "demo" and len(manifest["files"]) == len(there) - 1


@pytest.mark.parametrize("name", ["notes.txt", "pairs/old.html"])
def test_a_folder_with_other_files_is_refused(filled: Path, tmp_path: Path, site: Path, name: str) -> None:
    folder = tmp_path / "site"
    shutil.copytree(site, folder)
    (folder / name).write_text("mine")
    with pytest.raises(PublishError, match=f"{name}, which is not of a published site.*--force"):
        SiteFolder(folder)
    assert (folder / name).read_text() == "mine" and same_files_but(folder, site, name)
    write(folder, force=True, sentences=False, models=("base",))
    assert (folder / name).read_text() == "mine"
    assert not (folder / "roles-bleu-score.html").exists()


def same_files_but(folder: Path, site: Path, name: str) -> bool:
    kept = (folder / name).read_text()
    (folder / name).unlink()
    try:
        return same_files(site, folder)
    finally:
        (folder / name).write_text(kept)


def test_what_can_not_be_published_leaves_everything_as_it_was(filled: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(PublishError, match="is a file"):
        SiteFolder(tmp_path / "file")
    with pytest.raises(PublishError, match="is the current folder"):
        SiteFolder(Path.cwd())
    for asked, said in (
        ({"grid": "dmo"}, "demo"), ({"metrics": ("blue",)}, "did you mean 'bleu'"), ({"models": ("role",)}, "'roles'"),
    ):  # fmt: skip
        with pytest.raises(Exception, match=said):
            write(tmp_path / "new", **asked)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_terms_of_a_test_set_are_not_overlooked(copied: Path, tmp_path: Path) -> None:
    shared_store().close()
    with Database(settings().store_url).writing() as connection:
        connection.exec_driver_sql("UPDATE test_set SET corpus = 'flores-plus'")
    assert "web crawlers" in FloresPlus.against_republishing
    with pytest.raises(PublishError, match=r"'demo' is tested on flores-plus.*crawlers.*--no-sentences"):
        write(tmp_path / "site", models=("base",))
    assert not (tmp_path / "site").exists()
    assert not write(tmp_path / "site", models=("base",), sentences=False).has_sentences
    assert "CC BY-SA 4.0" in (tmp_path / "site" / "index.html").read_text()
    assert write(tmp_path / "site", models=("base",), sentences=True).has_sentences


def test_no_place_of_this_machine_and_no_secret_is_published(
    copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKER_TOKEN", "t0ps3cret-Zq8")
    why = f"{copied}/models/my model/weights.bin, s3://bucket/private/x.bin and C:\\Users\\quillfeather\\run"
    why += "; key t0ps3cret-Zq8"
    with Database(settings().store_url).writing() as connection:
        connection.exec_driver_sql("UPDATE model SET name = '/home/quillfeather/models/tiny' WHERE name = 'base'")
        connection.exec_driver_sql("UPDATE cell SET reason = ? WHERE reason LIKE 'the worker died%'", (why,))
        connection.exec_driver_sql("UPDATE test_set SET revision = 'its lines, /home/quillfeather/data/test.tsv'")
    write(tmp_path / "site", models=("roles",))
    everything = "".join(path.read_text() for path in (tmp_path / "site").rglob("*") if path.is_file())
    for secret in (str(copied), "/home/", "quillfeather", "s3://bucket", "C:\\", "t0ps3cret", str(Path.home()) + "/"):
        assert secret not in everything, secret
    overview = (tmp_path / "site" / "index.html").read_text()
    assert "<dd>tiny</dd>" in overview and "…/test.tsv" in overview
    assert "weights.bin" in (tmp_path / "site" / "pairs" / "de-zh-hans.html").read_text()


def test_the_command_says_what_it_wrote(filled: Path, tmp_path: Path, dragoman_publish: Callable[..., Any]) -> None:
    asked = ("demo", str(tmp_path / "site"), "--system", "base", "--metric", "bleu", "--no-sentences")
    done = dragoman_publish(*asked, "--json")
    assert done.code == 0
    (row,) = json.loads(done.out)["site"]
    there = [path for path in (tmp_path / "site").rglob("*") if path.is_file()]
    assert (row["files"], row["bytes"]) == (len(there), sum(path.stat().st_size for path in there))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x").write_text("")
    refused = dragoman_publish("demo", str(tmp_path / "other"))
    assert refused.code == 2 and "holds x, which is not of a published site" in refused.err
    assert dragoman_publish("none", str(tmp_path / "new")).code == 2


@pytest.mark.parametrize("kind", sorted(plugins.available("corpora")))
def test_of_which_test_sets_the_terms_are_against_it(kind: str) -> None:
    said = against_republishing(kind)
    assert (said is not None) == (kind in {"bouquet", "flores-plus"})
    assert said is None or (said.endswith(".") and "web crawlers could pick it up" in said)


@pytest.fixture
def dragoman_publish(monkeypatch: pytest.MonkeyPatch, dragoman: Callable[..., Any]) -> Callable[..., Any]:
    """Runs `dragoman publish`."""
    from importlib.metadata import entry_points

    entry = {each.name: each for each in entry_points(group="dragoman.commands") if each.name == "publish"}
    available = plugins.available
    monkeypatch.setattr(plugins, "available", lambda group: entry if group == "commands" else available(group))
    return lambda *words: dragoman("publish", *words)
