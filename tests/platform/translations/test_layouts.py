"""Translations of one system in every layout that is read: it is the same system, with the same numbers."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sacrebleu
from tests.platform.translations import layouts
from tests.platform.translations.conftest import HYPOTHESES, PAIRS, TEXT

from dragoman.errors import DragomanError
from dragoman.identity import fingerprint, hash_lines
from dragoman.model import is_from_files
from dragoman.pair import Pair
from dragoman.planning.added_systems import AddedSystem, add_system, baseline_of
from dragoman.store.store import Store
from dragoman.store.transfer.exporter import export_grid
from dragoman.store.transfer.importer import checked

ISO = {"en": "en", "de": "de", "zh-Hans": "zh"}
FLORES = {"en": "eng_Latn", "de": "deu_Latn", "zh-Hans": "zho_Hans"}
ALPHA3 = {"en": "eng", "de": "deu", "zh-Hans": "cmn"}
REGIONS = {"en": "en_XX", "de": "de_DE", "zh-Hans": "zh_CN"}

EXPECTED = "model1-4eb599580aa5937be4b3c5e428155f91"
"""The id of these translations, for ever: the hash of `{"translations": HASH}`, where HASH is of the lines
`PAIR HASH-OF-ITS-LINES` in the order of the pairs."""

Layout = Callable[[Path], dict[str, Any]]


def _text(names: dict[str, str], pattern: str = "{source}-{target}.txt") -> Layout:
    return lambda folder: {"path": f"{layouts.text(folder / 'out', HYPOTHESES, names, pattern)}/{pattern}"}


def _with_sources(pattern: str) -> Layout:
    def write(folder: Path) -> dict[str, Any]:
        layouts.text(folder / "out", HYPOTHESES, FLORES)
        of_pairs = {pair: TEXT[pair.source] for pair in PAIRS}
        layouts.text(folder / "src", of_pairs, ISO, pattern)
        return {"path": f"{folder}/out/{{source}}-{{target}}.txt", "sources": f"{folder}/src/{pattern}"}

    return write


def _compressed(folder: Path) -> dict[str, Any]:
    layouts.text(folder / "out", HYPOTHESES, ISO)
    for path in list((folder / "out").iterdir()):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    return {"path": f"{folder}/out/{{source}}-{{target}}.txt.gz"}


def _by_url(folder: Path) -> dict[str, Any]:
    from fsspec.implementations.memory import MemoryFileSystem

    layouts.text(folder / "out", HYPOTHESES, ISO)
    for path in (folder / "out").iterdir():
        MemoryFileSystem().pipe_file(f"/wmt/{path.name}", path.read_bytes())
    return {"path": "memory://wmt/{source}-{target}.txt"}


def _table(write: Callable[[Path, list[dict[str, Any]]], Path], name: str, **columns: str | int) -> Layout:
    def made(folder: Path) -> dict[str, Any]:
        path = write(folder / name, layouts.rows(HYPOTHESES, TEXT, FLORES))
        return {"path": str(path), "columns": columns}

    return made


def _table_a_pair(folder: Path) -> dict[str, Any]:
    for pair, hypotheses in HYPOTHESES.items():
        table = layouts.rows({pair: hypotheses}, TEXT, ISO)
        layouts.json_lines(folder / f"{ISO[pair.source]}2{ISO[pair.target]}.jsonl", table)
    return {"path": f"{folder}/{{source}}2{{target}}.jsonl"}


def _numbered(folder: Path) -> dict[str, Any]:
    """Rows in any order, with the number of the test sentence."""
    table = layouts.rows(HYPOTHESES, TEXT, ISO)
    table.sort(key=lambda row: str(row["mt"])[::-1])
    path = layouts.delimited(folder / "table.csv", table, ",")
    return {"path": str(path), "columns": {"hypothesis": "mt", "pair": "lp", "line": "seg"}}


def _languages(folder: Path) -> dict[str, Any]:
    table = [
        {"source_lang": ALPHA3[pair.source], "target_lang": ALPHA3[pair.target], "translation": hypothesis}
        for pair, hypotheses in HYPOTHESES.items()
        for hypothesis in hypotheses
    ]
    return {"path": str(layouts.parquet(folder / "table.parquet", table))}


def _wmt(folder: Path) -> dict[str, Any]:
    return {"path": str(layouts.wmt(folder / "wmt26", HYPOTHESES, TEXT, ISO, "Online-B")), "system": "Online-B"}


def _lm_eval(folder: Path) -> dict[str, Any]:
    return {"path": str(layouts.lm_eval(folder / "lm-eval", HYPOTHESES, TEXT, ISO))}


LAYOUTS: dict[str, Layout] = {
    "text": _text(ISO),
    "text, FLORES codes": _text(FLORES),
    "text, ISO 639-3": _text(ALPHA3),
    "text, codes with regions": _text(REGIONS),
    "text, in folders": _text(FLORES, "{source}/{target}/hyp.{source}-{target}.txt"),
    "text, compressed": _compressed,
    "text, at a URL": _by_url,
    "text, sources by language": _with_sources("{source}.txt"),
    "text, sources by pair": _with_sources("{source}-{target}.src"),
    "tsv": _table(lambda path, table: layouts.delimited(path, table, "\t"), "table.tsv"),
    "tsv, columns named": _table(
        lambda path, table: layouts.delimited(path, table, "\t"), "table.tsv", hypothesis="mt", pair="lp"
    ),
    "csv": _table(lambda path, table: layouts.delimited(path, table, ","), "table.csv"),
    "csv, numbered": _numbered,
    "jsonl": _table(layouts.json_lines, "table.jsonl", hypothesis="mt", pair="lp", text="src"),
    "jsonl, one a pair": _table_a_pair,
    "parquet": _table(layouts.parquet, "table.parquet"),
    "parquet, two languages": _languages,
    "wmt": _wmt,
    "lm-eval": _lm_eval,
}


def added(store: Store, name: str, given: dict[str, Any], **options: Any) -> AddedSystem:
    return add_system(store, "g", baseline_of(name, given, "unknown"), **options)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_is_the_same_system(store: Store, tmp_path: Path, layout: str) -> None:
    (tmp_path / "files").mkdir()
    found = added(store, "online-b", LAYOUTS[layout](tmp_path / "files"))
    assert found.read.identity.id == EXPECTED
    assert dict(found.read.lines) == dict.fromkeys(sorted(PAIRS), 4)
    cells = {cell.cell.pair: cell for cell in store.cells.of_grid("g", model=found.read.identity.id)}
    for pair, hypotheses in HYPOTHESES.items():
        assert [line.text for line in store.blobs.translation(str(cells[pair].hypotheses))] == hypotheses
    for metric, score in zip(("bleu", "chrf++"), store.cells.scores(cells[Pair("de", "en")].cell.id), strict=True):
        assert score.metric == metric
        function = sacrebleu.corpus_bleu if metric == "bleu" else sacrebleu.corpus_chrf
        more = {} if metric == "bleu" else {"word_order": 2}
        assert score.value == function(HYPOTHESES[Pair("de", "en")], [TEXT["en"]], **more).score


def test_the_id_is_the_hash_of_the_translations() -> None:
    contents = {str(pair): hash_lines(lines) for pair, lines in HYPOTHESES.items()}
    whole = hash_lines(f"{pair} {contents[pair]}" for pair in sorted(contents))
    assert fingerprint("model", 1, {"translations": whole}) == EXPECTED


def test_an_exported_grid(store: Store, tmp_path: Path) -> None:
    first = added(store, "online-b", _text(ISO)(tmp_path / "files"))
    export_grid(store, "g", tmp_path / "g.zip")
    again = added(store, "online-b", {"path": str(tmp_path / "g.zip")})
    assert (again.read.identity, again.is_new) == (first.read.identity, False)
    reference = added(store, "reference", {"path": str(tmp_path / "g.zip"), "system": "base"}, dry_run=True)
    assert reference.read.identity.id != first.read.identity.id
    with pytest.raises(DragomanError, match=r"g.zip has no model 'onlin-b'; did you mean 'online-b'"):
        added(store, "x", {"path": str(tmp_path / "g.zip"), "system": "onlin-b"})


def test_it_is_exported_and_imported_like_any_system(store: Store, tmp_path: Path) -> None:
    found = added(store, "online-b", _text(ISO)(tmp_path / "files"))
    export_grid(store, "g", tmp_path / "g.zip")
    other = Store.open(f"sqlite:///{tmp_path}/other.db", f"file://{tmp_path}/others")
    with checked(tmp_path / "g.zip") as coming:
        coming.into(other)
    model = found.read.identity.id
    assert is_from_files(other.models.get(model).recipe)
    for cell in store.cells.of_grid("g", model=model):
        assert other.cells.scores(cell.cell.id) == store.cells.scores(cell.cell.id)
    assert other.cells.of_grid("g") == store.cells.of_grid("g")
    assert not added(other, "online-b", _text(ISO)(tmp_path / "files")).is_new
    other.close()


def test_references_of_a_wmt_folder_are_systems(store: Store, tmp_path: Path) -> None:
    given = _wmt(tmp_path)
    for pair in PAIRS:  # one that was not copied to the outputs
        name = f"{ISO[pair.source]}-{ISO[pair.target]}"
        path = tmp_path / "wmt26" / "references" / f"{name}.refB.txt"
        path.write_text("".join(f"{line}\n" for line in HYPOTHESES[pair]), encoding="utf-8")
    of_outputs = added(store, "a", {**given, "system": "refA"}, dry_run=True)
    of_references = added(store, "refB", {"path": given["path"]}, dry_run=True)
    assert of_references.read.identity.id == added(store, "b", given, dry_run=True).read.identity.id
    assert of_outputs.read.identity.id != of_references.read.identity.id


def test_columns_by_number(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "table.tsv"
    path.write_text("".join(f"x\t{row['lp']}\t{row['mt']}\n" for row in layouts.rows(HYPOTHESES, TEXT, ISO)))
    found = added(store, "a", {"path": str(path), "columns": {"pair": 1, "hypothesis": 2}}, dry_run=True)
    assert found.read.lines == dict.fromkeys(PAIRS, 4)


def test_a_json_key_within_another_and_other_pairs(store: Store, tmp_path: Path) -> None:
    table: list[dict[str, Any]] = [
        {"out": {"best": f"{row['mt']}\nmore"}, "lp": row["lp"]} for row in layouts.rows(HYPOTHESES, TEXT, ISO)
    ]
    table.insert(3, {"out": {"best": "Bonjour."}, "lp": "en-fr"})
    path = layouts.json_lines(tmp_path / "table.jsonl", table)
    found = added(store, "a", {"path": str(path), "columns": {"hypothesis": "out.best", "pair": "lp"}})
    cell = store.cells.of_grid("g", Pair("de", "en"), model=found.read.identity.id)[0]
    assert store.blobs.translation(str(cell.hypotheses))[0].text == "The dog is asleep. more"


def test_one_text_file_of_a_grid_of_one_pair_and_pairs_that_are_lacking(store: Store, tmp_path: Path) -> None:
    folder = layouts.text(tmp_path, {Pair("de", "en"): HYPOTHESES[Pair("de", "en")]}, ISO)
    found = added(store, "a", {"path": f"{folder}/{{source}}-{{target}}.txt"})
    assert {str(pair): reason for pair, reason in found.read.missing.items()} == {
        "en-de": f"{folder} has no file of translations of en-de",
        "en>zh-Hans": f"{folder} has no file of translations of en>zh-Hans",
    }
    with pytest.raises(DragomanError, match="it is one file, and nothing in it tells which of the 3 pairs it is of"):
        added(store, "b", {"path": f"{folder}/de-en.txt"})


def test_the_command(store: Store, tmp_path: Path, dragoman: Any) -> None:
    (tmp_path / "files").mkdir()
    given = _table(layouts.json_lines, "t.jsonl")(tmp_path / "files")
    words = ("add-system", "g", "online-b", given["path"], "--column", "hypothesis=mt", "--column", "pair=lp")
    before = store.grids.all()
    dry = dragoman(*words, "--dry-run", "--json", "--trained-on", "all")
    assert dry.code == 0, dry.err
    assert "12 translations of 3 of 3 pairs fit the test set of g; nothing was written" in dry.err
    assert store.grids.all() == before
    done = dragoman(*words, "--trained-on", "de-en", "--workers", "1", "--json")
    assert done.code == 0, done.err
    assert [(row["pair"], row["lines"], row["id"]) for row in json.loads(done.out)["pairs"]] == [
        (str(pair), 4, EXPECTED) for pair in sorted(PAIRS)
    ]
    shown = dragoman("results", "g", "--model", "online-b", "--table", "partitions")
    assert shown.code == 0 and "translations from files, neither asked nor decoded here" in shown.out
    assert "seen" in shown.out
    assert "file" not in shown.out.partition("translations from files")[0]
    again = dragoman(*words, "--trained-on", "de-en", "--workers", "1", "--json")
    assert again.code == 0 and again.out == done.out and "was there already" in again.err
