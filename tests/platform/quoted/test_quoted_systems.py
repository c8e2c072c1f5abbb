"""Scores that are quoted: read from each layout, kept apart from computed ones, marked wherever they are shown."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.platform.quoted.conftest import CITED, LONG, PAIRS

from dragoman.analysis.pair_scores import pair_columns, pair_scores
from dragoman.analysis.ranking import best_models
from dragoman.analysis.score_query import scores
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.system_ranking import rank
from dragoman.cell import CellState
from dragoman.pair import Pair
from dragoman.store.store import Store
from dragoman.store.transfer.exporter import export_grid
from dragoman.store.transfer.importer import import_grid

CHRF = ScoreQuestion("g", "chrf++")
VALUES = {Pair("de", "en"): 61.5, Pair("en", "de"): 48.25, Pair("en", "fr"): 55.0}
SOURCE = "Doe et al. 2026, table 5"
SIGNATURE = f"quoted:{SOURCE}|sacrebleu 13a"


def _json_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def _parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    pq.write_table(pa.Table.from_pylist(rows), path)


ROWS = [{"src": pair.source, "tgt": pair.target, "metric": "chrf++", "score": value} for pair, value in VALUES.items()]

LAYOUTS: dict[str, tuple[str, Callable[[Path], Any], tuple[str, ...]]] = {
    "a row a score": ("t.csv", lambda path: path.write_text(LONG), ("--metric", "chrf++")),
    "a row a score, columns named": (
        "t.csv", lambda path: path.write_text("a,b,c\n" + LONG.split("\n", 1)[1]),
        ("--column", "pair=a", "--column", "metric=b", "--column", "value=c", "--metric", "chrf++"),
    ),
    "a row a score, columns numbered": (
        "t.tsv", lambda path: path.write_text(LONG.split("\n", 1)[1].replace(",", "\t")),
        ("--column", "pair=0", "--column", "metric=1", "--column", "value=2", "--metric", "chrf++"),
    ),
    "a row a score, JSON lines": ("t.jsonl", lambda path: _json_lines(path, ROWS), ()),
    "a row a score, Parquet": ("t.parquet", lambda path: _parquet(path, ROWS), ()),
    "a row a pair": (
        "t.tsv",
        lambda path: path.write_text(
            "Direction\tchrF2++\tcomet\ndeu_Latn-eng_Latn\t61.5\t0.8\nen>de\t48.25\t-\nen-fr\t55\t\n"
        ),
        (),
    ),
    "a row a pair, nested": (
        "t.jsonl",
        lambda path: _json_lines(path, [{"p": str(pair), "of": {"c": value}} for pair, value in VALUES.items()]),
        ("--column", "pair=p", "--column", "chrf++=of.c"),
    ),
    "a matrix": (
        "t.csv", lambda path: path.write_text(",eng,deu,fra\neng,-,48.25,55\ndeu,61.5,—,\n"), ("--metric", "chrf++"),
    ),
    "a matrix of more languages": (
        "t.csv", lambda path: path.write_text("from,en,de,fr,ja\nen,,48.25,55,9\nde,61.5,,7,\nja,1,2,3,\n"),
        ("--metric", "chrf++", "--skip-other-pairs"),
    ),
    "fractions": (
        "t.csv", lambda path: path.write_text("pair,chrf++\nde-en,0.615\nen-de,0.4825\nen-fr,0.55\n"),
        ("--scale", "100"),
    ),
    "spreadsheet's mark": ("t.csv", lambda path: path.write_text("\ufeff" + LONG), ("--metric", "chrf++")),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_gives_the_same_scores(store: Store, files: Path, dragoman: Any, layout: str) -> None:
    name, write, options = LAYOUTS[layout]
    write(files / name)
    done = dragoman("add-scores", "g", "paper", str(files / name), *options)
    assert done.code == 0, done.err
    assert {each.pair: each.value for each in pair_scores(store, CHRF, model="paper")} == VALUES
    assert "quoted" in done.err + done.out


def test_a_table_at_an_address(store: Store, dragoman: Any) -> None:
    with fsspec.open("memory://papers/table.csv", "w") as file:
        file.write(LONG)
    done = dragoman("add-scores", "g", "paper", "memory://papers/table.csv", "--metric", "chrf++")
    assert done.code == 0, done.err
    (signature,) = {each.signature for each in pair_scores(store, CHRF, model="paper")}
    assert signature == "quoted:table.csv|signature:not given"


def test_a_cell_of_it_is_quoted_and_has_no_text(quoted: Store) -> None:
    (model,) = (each for each in quoted.models.of_grid("g") if each.name == "paper")
    cells = quoted.cells.of_grid("g", model=model.id)
    assert {cell.state for cell in cells} == {CellState.QUOTED}
    assert {(cell.hypotheses, cell.reason, cell.engine, cell.segments) for cell in cells} == {(None, None, None, 4)}
    found = {cell.cell.pair: {each.metric: each for each in quoted.cells.scores(cell.cell.id)} for cell in cells}
    assert {pair: each["chrf++"].value for pair, each in found.items()} == VALUES
    assert found[Pair("de", "en")]["bleu"].value == 34.1 and "bleu" not in found[Pair("en", "de")]
    assert {each.signature for of_pair in found.values() for each in of_pair.values()} == {SIGNATURE}
    assert not any(each.statistics or each.low or each.high for of_pair in found.values() for each in of_pair.values())
    assert model.recipe["quoted"]["source"] == SOURCE


def test_a_pair_that_the_source_lacks_is_missing_and_one_without_this_metric_is_quoted(
    store: Store, files: Path, dragoman: Any
) -> None:
    (files / "t.csv").write_text("pair,bleu,chrf++\nde-en,34.1,61.5\nen-de,25,-\n")
    assert dragoman("add-scores", "g", "paper", str(files / "t.csv"), "--cite", "Doe").code == 0
    found = {each.pair: each for each in pair_scores(store, CHRF, model="paper")}
    assert found[Pair("en", "fr")].state is CellState.MISSING
    assert found[Pair("en", "fr")].reason == "Doe has no score of en-fr"
    assert found[Pair("en", "de")].state is CellState.QUOTED and found[Pair("en", "de")].value is None
    matrix = json.loads(dragoman("results", "g", "--model", "paper", "--table", "matrix", "--json").out)["matrix"]
    assert {row["source"]: (row["de"], row["en"], row["fr"]) for row in matrix} == {
        "de": (None, 61.5, None), "en": ("quoted", None, "missing"), "fr": (None, None, None),
    }  # fmt: skip


def test_its_interval_and_its_number_of_sentences_are_those_of_the_source(
    store: Store, files: Path, dragoman: Any
) -> None:
    (files / "t.csv").write_text("pair,metric,value,ci_low,ci_high,n\nde-en,chrf++,61.5,60.25,62.5,1012\n")
    assert dragoman("add-scores", "g", "paper", str(files / "t.csv"), "--cite", "Doe").code == 0
    (found,) = (each for each in pair_scores(store, CHRF, model="paper") if each.value is not None)
    assert (found.low, found.high) == (60.25, 62.5)
    results = dragoman("results", "g", "--model", "paper")
    assert "1,012 sentences a pair" in results.out and "of 1,012 sentences" in results.out


def test_the_same_again_changes_nothing_and_other_scores_are_refused_unless_they_replace_them(
    quoted: Store, files: Path, dragoman: Any
) -> None:
    path = files / "table.csv"
    before = quoted.grids.get("g"), quoted.cells.of_grid("g")
    again = dragoman("add-scores", "g", "paper", str(path), *CITED)
    assert again.code == 0 and "are there already" in again.out + again.err
    assert (quoted.grids.get("g"), quoted.cells.of_grid("g")) == before

    changed = LONG.replace("48.25", "49.75")
    path.write_text(changed)
    refused = dragoman("add-scores", "g", "paper", str(path), *CITED)
    assert refused.code == 2
    assert "chrf++ of en-de was 48.25, and is 49.75 in" in refused.err and "table.csv, line 3" in refused.err
    other_source = dragoman("add-scores", "g", "paper", str(path), "--cite", "Roe 2026")
    assert other_source.code == 2
    assert (quoted.grids.get("g"), quoted.cells.of_grid("g")) == before

    replaced = dragoman("add-scores", "g", "paper", str(path), *CITED, "--replace")
    assert replaced.code == 0 and "take the place of others" in replaced.out + replaced.err
    assert {each.pair: each.value for each in pair_scores(quoted, CHRF, model="paper")} == {
        **VALUES, Pair("en", "de"): 49.75,
    }  # fmt: skip
    assert list(quoted.grids.get("g").names.values()) == ["base", "tuned", "paper"]
    path.write_text(LONG)  # and back, to an identity that the store has known
    assert dragoman("add-scores", "g", "paper", str(path), *CITED, "--replace").code == 0
    assert {each.pair: each.value for each in pair_scores(quoted, CHRF, model="paper")} == VALUES


def test_the_order_of_the_rows_and_the_name_of_the_file_are_no_part_of_its_identity(
    quoted: Store, files: Path, dragoman: Any
) -> None:
    names, rows = LONG.splitlines()[0], LONG.splitlines()[1:]
    (files / "other.csv").write_text("\n".join([names, *reversed(rows)]) + "\n")
    done = dragoman("add-scores", "g", "paper", str(files / "other.csv"), *CITED)
    assert done.code == 0 and "are there already" in done.out + done.err
    under_another_name = dragoman("add-scores", "g", "another", str(files / "other.csv"), *CITED)
    assert under_another_name.code == 2 and "they are its system 'paper'" in under_another_name.err


def test_computed_results_are_the_same_with_it_and_without(store: Store, files: Path, dragoman: Any) -> None:
    def computed() -> Any:
        question = ScoreQuestion("g", "chrf++")
        columns = pair_columns(store, question, model="tuned")
        ranking = rank(store, question, samples=100)
        means = [
            group for group in scores(store, "chrf++", grid="g").by("partition") if group.group["model"] != "paper"
        ]
        tables = {
            name: [row for row in rows if row.get("model") in ("base", "tuned")]
            for name, rows in json.loads(dragoman("results", "g", "--json").out).items()
        }
        for rows in tables.values():
            for row in rows:
                row.pop("quoted", None)
                row.pop("shared_pairs", None)  # counted over all systems that are shown
        return (
            columns.own.values.tolist(), columns.gains.tolist(), ranking.model_copy(update={"quoted": ()}), means,
            tables, best_models(store, question),
            dragoman("compare", "g", "base", "tuned", "--samples", "100", "--json").out,
        )  # fmt: skip

    before = computed()
    (files / "table.csv").write_text(LONG)
    assert dragoman("add-scores", "g", "paper", str(files / "table.csv"), *CITED).code == 0
    assert computed() == before


def test_it_has_a_mark_and_a_legend_in_every_table(quoted: Store, dragoman: Any) -> None:
    for options in ((), ("--latex",), ("--markdown",)):
        for table in ("partitions", "matrix", "pairs"):
            printed = dragoman("results", "g", "--table", table, *options).out
            assert "paper (quoted)" in printed and "tuned (quoted)" not in printed, (table, options)
            assert f"quoted from {SOURCE} (sacrebleu 13a), without translations" in printed, (table, options)
    rows = list(csv.DictReader(io.StringIO(dragoman("results", "g", "--table", "pairs", "--csv").out)))
    assert {(row["model"], row["quoted"]) for row in rows} == {("base", ""), ("tuned", ""), ("paper", SOURCE)}
    assert {row["signature"] for row in rows if row["model"] == "paper"} == {SIGNATURE}
    query = dragoman("query", "g").out
    assert "paper (quoted)" in query and "without translations" in query


def test_it_has_means_and_neither_gains_nor_intervals(quoted: Store, dragoman: Any) -> None:
    rows = json.loads(dragoman("results", "g", "--table", "partitions", "--json").out)["partitions"]
    (own,) = (row for row in rows if row["model"] == "paper" and row["scope"] == "all")
    assert own["mean"] == pytest.approx(sum(VALUES.values()) / 3) and own["done"] == 3
    assert {own[key] for key in ("low", "high", "gain", "gain_low", "base_mean")} == {None}
    assert own["decoding"] == own["prompt_template"] == "not known (quoted scores)"
    (group,) = scores(quoted, "chrf++", grid="g", model="paper").against("base").rows()
    assert group.mean == pytest.approx(own["mean"]) and (group.both, group.delta) == (0, None)


def test_it_is_compared_only_where_that_is_asked_for_and_never_tested(quoted: Store, dragoman: Any) -> None:
    for a, b in (("paper", "tuned"), ("tuned", "paper"), ("base", "paper")):
        refused = dragoman("compare", "g", a, b)
        assert refused.code == 2 and f"The scores of paper are quoted from {SOURCE}" in refused.err
    asked = json.loads(dragoman("compare", "g", "paper", "tuned", "--with-quoted", "--json").out)
    (scope,) = (row for row in asked["scopes"] if row["scope"] == "all")
    tuned = {each.pair: each.value or 0 for each in pair_scores(quoted, CHRF, model="tuned")}
    assert scope["delta"] == pytest.approx(sum(tuned[pair] - VALUES[pair] for pair in PAIRS) / 3)
    assert (scope["done"], scope["wins"], scope["losses"]) == (3, 3, 0)
    tested = ("p_value", "adjusted", "low", "high", "test", "correction", "alpha", "samples", "seed")
    assert {scope[key] for key in tested} == {None}
    assert "Not tested: paper is quoted from" in scope["notes"] and len(asked["pairs"]) == 3
    printed = dragoman("compare", "g", "paper", "tuned", "--with-quoted").out
    assert "95% interval" not in printed and "Not tested" in printed
    ordinary = dragoman("compare", "g", "base", "tuned", "--with-quoted", "--samples", "100").out
    assert ordinary == dragoman("compare", "g", "base", "tuned", "--samples", "100").out


def test_results_set_it_beside_others_where_that_is_asked_for(quoted: Store, dragoman: Any) -> None:
    assert "quoted" not in json.loads(dragoman("results", "g", "--json").out)
    rows = json.loads(dragoman("results", "g", "--with-quoted", "--json").out)["quoted"]
    (own,) = (row for row in rows if (row["model"], row["scope"]) == ("tuned", "all"))
    assert own["delta"] == pytest.approx(own["mean"] - own["mean_quoted"])
    assert own["mean_quoted"] == pytest.approx(sum(VALUES.values()) / 3)
    printed = dragoman("results", "g", "--with-quoted", "--table", "quoted").out
    assert "not tested" in printed and "Nothing shows that quoted scores are of these sentences" in printed


def test_a_ranking_lists_it_below_unranked(quoted: Store, dragoman: Any) -> None:
    found = rank(quoted, CHRF, samples=100)
    assert [each.system for each in found.systems] == ["tuned", "base"]
    (own,) = found.quoted
    assert (own.system, own.source, own.done, own.pairs) == ("paper", SOURCE, 3, 3)
    assert own.mean == pytest.approx(sum(VALUES.values()) / 3)
    printed = dragoman("rank", "g", "--samples", "100", "--table", "quoted", "--latex").out
    assert "paper (quoted)" in printed and "unranked" in printed
    alone = dragoman("rank", "g", "--model", "paper", "--model", "tuned")
    assert alone.code == 2 and "A ranking needs two systems" in alone.err


def test_two_sources_are_not_mixed(quoted: Store, files: Path, dragoman: Any) -> None:
    (files / "roe.csv").write_text("pair,chrf++\nde-en,60\nen-de,50\n")
    assert dragoman("add-scores", "g", "roe", str(files / "roe.csv"), "--cite", "Roe 2026").code == 0
    partitions = dragoman("results", "g", "--table", "partitions").out
    assert "roe (quoted): quoted from Roe 2026 (which does not say" in partitions and "paper (quoted): " in partitions
    both = json.loads(dragoman("compare", "g", "paper", "roe", "--with-quoted", "--json").out)
    assert {row["done"] for row in both["scopes"] if row["scope"] == "all"} == {2}


def test_a_signature_chooses_among_computed_scores_alone(quoted: Store, dragoman: Any) -> None:
    printed = dragoman("results", "g", "--signature", "version:", "--table", "partitions")
    assert printed.code == 0 and "paper (quoted)" in printed.out


def test_it_is_exported_and_imported_with_its_scores(quoted: Store, tmp_path: Path) -> None:
    def rows(store: Store, name: str) -> Any:
        cells = store.cells.of_grid(name)
        return [(cell, store.cells.scores(cell.cell.id)) for cell in cells]

    export_grid(quoted, "g", tmp_path / "g.zip")
    other = Store.open(f"sqlite:///{tmp_path}/other.db", f"file://{tmp_path}/other-blobs")
    try:
        import_grid(other, tmp_path / "g.zip")
        assert rows(other, "g") == rows(quoted, "g")
        assert pair_scores(other, CHRF, model="paper") == pair_scores(quoted, CHRF, model="paper")
        import_grid(other, tmp_path / "g.zip")
        assert rows(other, "g") == rows(quoted, "g")
    finally:
        other.close()


def test_scoring_again_leaves_it_as_it_is(quoted: Store, dragoman: Any) -> None:
    before = pair_scores(quoted, CHRF, model="paper")
    assert dragoman("score", "g", "--metric", "chrf").code == 0
    assert pair_scores(quoted, CHRF, model="paper") == before
    chrf = json.loads(dragoman("results", "g", "--metric", "chrf", "--table", "partitions", "--json").out)["partitions"]
    assert {row["done"] for row in chrf if row["model"] == "paper"} == {0}
