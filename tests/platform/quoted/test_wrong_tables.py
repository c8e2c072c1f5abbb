"""Tables that are no scores of a grid: each ends in one sentence that names the line, and nothing is written."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.platform.quoted.conftest import LONG

from dragoman.store.store import Store

WIDE = "pair,bleu,chrf++\nde-en,34.1,61.5\nen-de,25,48.25\nen-fr,30.0,55\n"
MATRIX = "source,de,en,fr\nde,-,61.5,\nen,48.25,,55\n"

WRONG: dict[str, tuple[str, str | bytes, tuple[str, ...], str]] = {
    "another pair": ("t.csv", LONG + "fr-de,bleu,3\n", (), r"t.csv, line 6, is of fr-de, which is no pair of the grid"),
    "no pair": ("t.csv", LONG.replace("en-de", "english"), (), r"t.csv, line 3: 'english' is not a directed pair"),
    "no language": ("t.csv", LONG.replace("en-de", "en-qqqq"), (), r"t.csv, line 3: 'en-qqqq' is not a directed pair"),
    "a language with itself": ("t.csv", LONG.replace("en-de", "en-en"), (), r"line 3: 'en-en' pairs en with itself"),
    "no number": ("t.csv", LONG.replace("48.25", "48,25".replace(",", ";")), (), r"line 3, has '48;25' under 'score'"),
    "a percent sign": ("t.csv", LONG.replace("48.25", "48.25%"), (), r"t.csv, line 3, has '48.25%' under 'score'"),
    "nothing": ("t.csv", LONG.replace("48.25", ""), (), r"t.csv, line 3, has '' under 'score', which is no number"),
    "not a number": ("t.csv", LONG.replace("48.25", "nan"), (), r"t.csv, line 3, has 'nan' under 'score'"),
    "above its range": ("t.csv", LONG.replace("48.25", "148.25"), (), r"line 3: 148.25 is no chrf\+\+ .* 0 to 100"),
    "below its range": ("t.csv", LONG.replace("48.25", "-1"), (), r"t.csv, line 3: -1 is no chrf\+\+ of en-de"),
    "twice": (
        "t.csv", LONG + "en-de,chrf2++,48\n", (),
        r"line 6: chrf\+\+ of en-de is there already, in line 3 \(48.2",
    ),
    "another metric": ("t.csv", LONG.replace("BLEU", "METEOR"), (), r"t.csv, line 5: 'METEOR' is no installed metric"),
    "latin-1": ("t.csv", LONG.encode() + "en-de,blé,3\n".encode("latin-1"), (), r"t.csv, line 6, is not UTF-8 text"),
    "utf-16": ("t.csv", LONG.encode("utf-16"), (), r"t.csv, line 1, is not UTF-8 text"),
    "a column too many": (
        "t.csv", LONG + "en-fr,bleu,3,4\n", (),
        r"t.csv, line 6, has 4 columns where the first has 3",
    ),
    "an open quote": ("t.csv", LONG + '"en-fr,bleu,3\n', (), r"t.csv, line 6: unexpected end of data"),
    "a column twice": ("t.csv", LONG.replace("metric", "score"), (), r"t.csv has the column 'score' twice"),
    "other columns": ("t.csv", "a,b\n1,2\n", (), r"t.csv has the columns a, b: .*name them"),
    "empty": ("t.csv", "", (), r"t.csv is empty"),
    "names alone": ("t.csv", "lp,metric,score\n", (), r"t.csv has no score of a pair of the grid"),
    "no metric": ("t.csv", "lp,score\nde-en,3\n", (), r"t.csv has no column of metrics: .*--metric METRIC"),
    "fractions": ("t.csv", LONG.replace("34.1", "0.341"), (), r"line 5: 0.341 and all 1 values of bleu are at most 1"),
    "fractions of percents": ("t.csv", LONG, ("--scale", "100"), r"line 2: 6150 is no chrf\+\+ .*leave out --scale"),
    "no such column": (
        "t.csv", LONG, ("--column", "pair=pairs", "--column", "value=score"), r"no column 'pairs'; use one of: lp",
    ),
    "an interval beside its value": (
        "t.csv", "lp,metric,value,low,high\nde-en,bleu,30,31,32\n", (),
        r"t.csv, line 2: 30 is not within its interval, 31 to 32",
    ),
    "no number of sentences": ("t.csv", "lp,metric,value,n\nde-en,bleu,30,1k\n", (), r"line 2, has '1k' under 'n'"),
    "wide: no number": (
        "t.tsv", WIDE.replace(",", "\t").replace("25", "x"), (),
        r"t.tsv, line 3, has 'x' under 'bleu'",
    ),
    "wide: twice": ("t.csv", WIDE + "de-en,1.5,2.5\n", (), r"t.csv, line 5: bleu of de-en is there already, in line 2"),
    "wide: another metric": (
        "t.csv", WIDE.replace("bleu", "x").replace("chrf++", "y"), (),
        r"has the columns pair, x, y",
    ),
    "matrix: no metric": ("t.csv", MATRIX, (), r"t.csv is a matrix of languages: name the metric"),
    "matrix: another pair": (
        "t.csv", MATRIX.replace("61.5,", "61.5,7"), ("--metric", "chrf++"),
        r"t.csv, line 2, is of de-fr, which is no pair",
    ),
    "matrix: a language with itself": (
        "t.csv", MATRIX.replace("-,61.5", "9,61.5"), ("--metric", "chrf++"),
        r"t.csv, line 2: 'de-de' pairs de with itself",
    ),
    "matrix: no language": (
        "t.csv", MATRIX.replace("\nen,", "\nnowhere,"), ("--metric", "bleu"), r"t.csv, line 3: .*nowhere",
    ),
    "jsonl: damaged": ("t.jsonl", '{"pair": "de-en", "bleu": 3}\n{"pair": \n', (), r"t.jsonl, line 2, is not JSON"),
    "jsonl: a truth value": ("t.jsonl", '{"pair": "de-en", "bleu": true}\n', (), r"line 1, has True under 'bleu'"),
    "jsonl: a list": ("t.jsonl", '{"pair": "de-en", "bleu": [3]}\n', (), r"t.jsonl, line 1, has \[3\] under 'bleu'"),
    "jsonl: another pair": ("t.jsonl", '{"pair": "de-fr", "bleu": 30}\n', (), r"t.jsonl, line 1, is of de-fr"),
    "parquet: no Parquet": ("t.parquet", "no Parquet", (), r"t.parquet is damaged"),
    "cut off": ("t.csv.gz", gzip.compress(LONG.encode())[:-12], (), r"t.csv.gz, line 1: the file is cut off"),
    "another ending": ("t.txt", LONG, (), r"t.txt': nothing tells what table it is; add its format"),
}  # fmt: skip


def everything(store: Store, home: Path) -> Any:
    """All that there is in the store, and every file beside its database."""
    kept = {path: path.read_bytes() for path in home.rglob("*") if path.is_file() and "store.db" not in path.name}
    cells = store.cells.of_grid("g")
    return (
        store.grids.all(),
        cells,
        [store.cells.scores(cell.cell.id) for cell in cells],
        store.models.lineage("g"),
        kept,
    )


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_table_is_refused_with_its_line_and_nothing_is_written(
    store: Store, tmp_path: Path, files: Path, dragoman: Any, wrong: str
) -> None:
    name, content, options, sentence = WRONG[wrong]
    (files / name).write_bytes(content.encode() if isinstance(content, str) else content)
    before = everything(store, tmp_path)
    done = dragoman("add-scores", "g", "paper", str(files / name), *options)
    assert (done.code, done.out) == (2, "")
    assert re.search(sentence, done.err), done.err
    assert done.err.startswith("dragoman: ") and done.err.count("\n") == 1 and done.err.rstrip()[-1] in ".?"
    assert everything(store, tmp_path) == before


def test_a_row_of_parquet_is_named_by_its_number(store: Store, files: Path, dragoman: Any) -> None:
    rows = [{"pair": "de-en", "bleu": 30.0}, {"pair": "de-en", "bleu": 31.0}]
    pq.write_table(pa.Table.from_pylist(rows), files / "t.parquet")
    done = dragoman("add-scores", "g", "paper", str(files / "t.parquet"))
    assert done.code == 2 and "t.parquet, row 2: bleu of de-en is there already, in row 1" in done.err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--column", "pair=lp"), "names either `value`, the column of the scores, or the columns of metrics"),
        (("--column", "value=score"), "lacks the pair of each row"),
        (
            ("--column", "pair=lp", "--column", "source=lp", "--column", "value=score"),
            "both the pair and its languages",
        ),
        (("--column", "pairs=lp"), "did you mean 'pair'"),
        (("--metric", "meteor"), "scores.metric .*is no installed metric"),
        (("--cite", "a|b"), r"holds '\|', which parts the fields"),
        (("--scale", "10"), "scores.scale is 10: use one of 1 or 100"),
        (("--format", "xml"), "scores.format is 'xml'"),
        (("--trained-on", "de-xx"), "de-xx"),
    ],
)
def test_a_command_that_says_something_impossible(
    store: Store, tmp_path: Path, files: Path, dragoman: Any, options: tuple[str, ...], sentence: str
) -> None:
    (files / "t.csv").write_text(LONG)
    before = everything(store, tmp_path)
    done = dragoman("add-scores", "g", "paper", str(files / "t.csv"), *options)
    assert done.code == 2 and re.search(sentence, done.err), done.err
    assert everything(store, tmp_path) == before


@pytest.mark.parametrize("name", ["base", "tuned"])
def test_the_name_of_another_system_is_refused(
    store: Store, tmp_path: Path, files: Path, dragoman: Any, name: str
) -> None:
    (files / "t.csv").write_text(LONG)
    before = everything(store, tmp_path)
    for options in ((), ("--replace",)):
        done = dragoman("add-scores", "g", name, str(files / "t.csv"), *options)
        assert done.code == 2 and f"has another system called '{name}'" in done.err
    assert everything(store, tmp_path) == before


def test_secrets_in_an_address_are_not_shown(store: Store, dragoman: Any) -> None:
    done = dragoman("add-scores", "g", "paper", "https://me:secret@example.invalid/t.csv")
    assert done.code == 2 and "secret" not in done.err


def test_json_has_the_rows_that_were_read(store: Store, files: Path, dragoman: Any) -> None:
    (files / "t.csv").write_text(LONG)
    done = dragoman("add-scores", "g", "paper", str(files / "t.csv"), "--dry-run", "--json")
    assert done.code == 0
    assert [row["value"] for row in json.loads(done.out)["scores"]] == [61.5, 48.25, 55.0, 34.1]
    assert "paper" not in store.grids.get("g").names.values()
