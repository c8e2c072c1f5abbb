"""Files that are not a translation of the test set: each ends in one sentence that names the line, and nothing is
written."""

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.platform.translations import layouts
from tests.platform.translations.conftest import HYPOTHESES, PAIRS, TEXT, everything

from dragoman.pair import Pair
from dragoman.store.store import Store

ISO = {"en": "en", "de": "de", "zh-Hans": "zh"}
PATTERN = "{source}-{target}.txt"
NUMBERED = ("--column", "hypothesis=mt", "--column", "pair=lp", "--column", "line=seg")

Write = Callable[[Path], tuple[str, ...]]
"""Writes files into a folder and returns what follows `dragoman add-system g NAME`."""


def _text(edit: Callable[[bytes], bytes]) -> Write:
    """Text files, of which that of de-en is edited."""

    def write(folder: Path) -> tuple[str, ...]:
        layouts.text(folder, HYPOTHESES, ISO)
        path = folder / "de-en.txt"
        path.write_bytes(edit(path.read_bytes()))
        return (f"{folder}/{PATTERN}",)

    return write


def _lines(edit: Callable[[list[bytes]], list[bytes]]) -> Write:
    return _text(lambda content: b"".join(edit(content.splitlines(keepends=True))))


def _sources(edit: Callable[[list[str]], list[str]], hypotheses: list[str] | None = None) -> Write:
    """Text files with source sentences, of which those of de-en are edited."""

    def write(folder: Path) -> tuple[str, ...]:
        layouts.text(folder / "out", {**HYPOTHESES, Pair("de", "en"): hypotheses or HYPOTHESES[Pair("de", "en")]}, ISO)
        of_pairs = {pair: TEXT[pair.source] for pair in PAIRS}
        of_pairs[Pair("de", "en")] = edit(list(TEXT["de"]))
        layouts.text(folder / "src", of_pairs, ISO)
        return f"{folder}/out/{PATTERN}", "--sources", f"{folder}/src/{PATTERN}"

    return write


def _json(edit: Callable[[list[dict[str, Any]]], Any], *options: str) -> Write:
    """A table of JSON lines that is edited."""

    def write(folder: Path) -> tuple[str, ...]:
        table = layouts.rows(HYPOTHESES, TEXT, ISO)
        table = edit(table) or table
        named = options or ("--column", "hypothesis=mt", "--column", "pair=lp", "--column", "text=src")
        return (str(layouts.json_lines(folder / "t.jsonl", table)), *named)

    return write


def _samples(edit: Callable[[list[dict[str, Any]]], Any]) -> Write:
    """lm-eval's samples, of which those of de-en are edited."""

    def write(folder: Path) -> tuple[str, ...]:
        layouts.lm_eval(folder, HYPOTHESES, TEXT, ISO, ranks=1)
        (path,) = folder.rglob("samples_wmt26-de-en_*")
        samples = [json.loads(line) for line in path.read_text().splitlines()]
        layouts.json_lines(path, edit(samples) or samples)
        return (str(folder),)

    return write


def _set(rows: list[dict[str, Any]], place: int, **values: Any) -> list[dict[str, Any]]:
    rows[place] |= values
    return rows


def _without_documents(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As tasks log them whose documents name no languages: the prompt alone has the source."""
    for sample in samples:
        sample["doc"] = {"id": sample["doc_id"]}
    samples[1]["arguments"], samples[2]["arguments"] = samples[2]["arguments"], samples[1]["arguments"]
    return samples


def _wmt(edit: Callable[[Path], Any], *options: str) -> Write:
    def write(folder: Path) -> tuple[str, ...]:
        layouts.wmt(folder, HYPOTHESES, TEXT, ISO, "Online-B")
        edit(folder)
        return (str(folder), *(options or ("--system", "Online-B")))

    return write


def _swap(path: Path) -> None:
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[0], lines[2], lines[1], lines[3]]))


def _parquet(edit: Callable[[list[dict[str, Any]]], Any]) -> Write:
    def write(folder: Path) -> tuple[str, ...]:
        table = layouts.rows(HYPOTHESES, TEXT, ISO)
        return (str(layouts.parquet(folder / "t.parquet", edit(table) or table)),)

    return write


def _table(name: str, content: str) -> Write:
    def write(folder: Path) -> tuple[str, ...]:
        (folder / name).write_text(content, encoding="utf-8")
        return (str(folder / name),)

    return write


def _twice(folder: Path) -> tuple[str, ...]:
    layouts.text(folder, HYPOTHESES, ISO)
    (folder / "deu_Latn-eng_Latn.txt").write_text("another\n" * 4)
    return (f"{folder}/{PATTERN}",)


def _two_runs(folder: Path) -> tuple[str, ...]:
    layouts.lm_eval(folder, HYPOTHESES, TEXT, ISO)
    (path,) = folder.rglob("samples_wmt26-de-en_*")
    path.with_name("samples_wmt26-de-en_2026-12-01T09-00-00.5.jsonl").write_bytes(path.read_bytes())
    return (str(folder),)


def _cut_off(folder: Path) -> tuple[str, ...]:
    layouts.text(folder, HYPOTHESES, ISO, "{source}-{target}.txt")
    for path in list(folder.iterdir()):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes())[:-12])
    return (f"{folder}/{PATTERN}.gz",)


WRONG: dict[str, tuple[Write, str]] = {
    "short": (
        _lines(lambda lines: lines[:2]),
        r"de-en.txt ends after line 2, and the test set has 4 sentences of de-en: there is no translation of sentence "
        r"3 \('Sie liest ein Buch.'\)",
    ),
    "empty": (_text(lambda _: b""), r"de-en.txt is empty, and the test set has 4 sentences of de-en: .* sentence 1 "),
    "long": (
        _lines(lambda lines: [*lines, b"One more.\n"]),
        r"de-en.txt, line 5, is one more than the 4 sentences of de-en in the test set \('One more.'\)",
    ),
    "a line twice": (
        _lines(lambda lines: [lines[0], lines[0], *lines[1:]]),
        r"de-en.txt, line 5, is one more than the 4 sentences",
    ),
    "a blank line at its end": (_text(lambda content: content + b"\n"), r"de-en.txt, line 5, is one more"),
    "latin-1": (
        _text(lambda content: content.replace(b"book", "bük".encode("latin-1"))),
        r"de-en.txt, line 3, is not UTF-8 text",
    ),
    "utf-16": (_text(lambda content: content.decode().encode("utf-16")), r"de-en.txt, line 1, is not UTF-8 text"),
    "utf-16 without a mark": (
        _text(lambda content: content.decode().encode("utf-16-le")),
        r"de-en.txt, line 1, holds the character U\+0000",
    ),
    "shuffled": (
        _sources(lambda lines: [lines[0], lines[2], lines[1], lines[3]]),
        r"out/de-en.txt, line 2, translates sentence 3 where sentence 2 of the test set \('Es regnet heute.'\) is due",
    ),
    "another revision": (
        _sources(lambda lines: [lines[0], lines[1], "Sie las ein Buch.", lines[3]]),
        r"de-en.txt, line 3, translates 'Sie las ein Buch.' and not sentence 3 of the test set \('Sie liest ein Buch",
    ),
    "another language": (
        _sources(lambda _: ["Un chien dort.", "Il pleut.", "Elle lit.", "La maison est vieille."]),
        r"de-en.txt, line 1, translates 'Un chien dort.' and not sentence 1 of the test set .*another language",
    ),
    "the reverse direction": (
        _sources(lambda _: list(TEXT["en"])),
        r"de-en.txt, line 1, translates a reference \('A dog sleeps.'\) and not sentence 1 .*of the reverse direction",
    ),
    "a sentence twice, by the sources": (
        _sources(lambda lines: [lines[0], lines[0], *lines[2:]]),
        r"de-en.txt, line 2, translates sentence 1 where sentence 2 of the test set",
    ),
    "short, with its sources": (
        _sources(lambda lines: lines, HYPOTHESES[Pair("de", "en")][:3]),
        r"out/de-en.txt ends after line 3, and its source sentences, .*src/de-en.txt, go on with line 4",
    ),
    "sources that end": (
        _sources(lambda lines: lines[:3]),
        r"out/de-en.txt, line 4 \('The house is old, I am too.'\), has no source sentence in .*src/de-en.txt",
    ),
    "cut off": (_cut_off, r"line 1: the file is cut off"),
    "two files of one pair": (_twice, r"de-en.txt and .*deu_Latn-eng_Latn.txt are both named for de-en"),
    "other files": (
        lambda folder: (layouts.text(folder, HYPOTHESES, ISO), (f"{folder}/{{source}}_to_{{target}}.txt",))[1],
        r"no file named like \{source\}_to_\{target\}.txt",
    ),
    "one language in the pattern": (lambda folder: (f"{folder}/{{source}}.txt",), r"a pattern has both languages"),
    "no such folder": (lambda folder: (f"{folder}/gone/{PATTERN}",), r"there is no such file or folder"),
    "other pairs alone": (
        lambda folder: (
            layouts.text(folder, {Pair("fr", "en"): ["x"]}, {"fr": "fr", "en": "en"}), (f"{folder}/{PATTERN}",),
        )[1],
        r"there are translations of none of the 3 pairs .*pairs that there are: fr-en",
    ),
    "jsonl: shuffled": (
        _json(lambda rows: [rows[1], rows[0], *rows[2:]]),
        r"t.jsonl, line 1, translates sentence 2 where sentence 1",
    ),
    "jsonl: a row is lacking": (
        _json(lambda rows: rows[:2] + rows[3:]),
        r"t.jsonl, line 3, translates sentence 4 where sentence 3 of the test set \('Sie liest ein Buch.'\) is due",
    ),
    "jsonl: nothing under the key": (
        _json(lambda rows: _set(rows, 5, mt=None)),
        r"t.jsonl, line 6, has nothing under 'mt'",
    ),
    "jsonl: a number": (_json(lambda rows: _set(rows, 5, mt=7)), r"t.jsonl, line 6: 'mt' holds no text but int"),
    "jsonl: no language": (
        _json(lambda rows: _set(rows, 2, lp="Gibberish-en")),
        r"t.jsonl, line 3: 'Gibberish-en' is not a directed pair",
    ),
    "jsonl: the number of a sentence twice": (
        _json(lambda rows: _set(rows, 1, seg=1), *NUMBERED),
        r"t.jsonl, line 2: sentence 1 is there already, in line 1",
    ),
    "jsonl: a number that is not next": (
        _json(lambda rows: _set(rows, 1, seg=9), *NUMBERED),
        r"t.jsonl, line 3: it translates sentence 3, and sentence 2 is nowhere",
    ),
    "jsonl: half a character": (
        lambda folder: (_json(lambda rows: rows)(folder), _escape(folder / "t.jsonl"))[0],
        r"t.jsonl, line 1: 'mt' holds half a character \(\\ud83d\)",
    ),
    "jsonl: damaged": (_table("t.jsonl", '{"mt": "x", "lp": "de-en"}\n{"mt": \n'), r"t.jsonl, line 2, is not JSON"),
    "jsonl: rows of another pair": (
        lambda folder: (_table("de-en.jsonl", '{"mt": "x", "src_lang": "en", "tgt_lang": "de"}\n')(folder),
                        (f"{folder}/{{source}}-{{target}}.jsonl",))[1],
        r"de-en.jsonl, line 1, is of en-de, in a file that is named for de-en",
    ),
    "jsonl: a key twice": (
        _table("t.jsonl", '{"mt": "x", "lp": "de-en"}\n{"mt": "x", "lp": "de-en", "mt": "y"}\n'),
        r"t.jsonl, line 2, has the key 'mt' twice",
    ),
    "tsv: a column twice": (_table("t.tsv", "mt\tlp\tmt\nx\tde-en\ty\n"), r"t.tsv has the column 'mt' twice"),
    "tsv: a tab too many": (
        _table("t.tsv", "lp\tmt\nde-en\tone\nde-en\ttw\to\n"),
        r"t.tsv, line 3, has 3 columns where the first has 2",
    ),
    "tsv: no column of translations": (
        _table("t.tsv", "lp\tout\nde-en\tone\n"),
        r"t.tsv has no column called hypothesis, .*\(it has lp, out\)",
    ),
    "tsv: no column of pairs": (_table("t.tsv", "mt\none\n"), r"t.tsv has no column of pairs, and the grid has 3"),
    "csv: an open quote": (_table("t.csv", 'lp,mt\nde-en,"one\nde-en,two\n'), r"t.csv, line 2: unexpected end of data"),
    "parquet: another revision": (
        _parquet(lambda rows: _set(rows, 2, src="Sie las ein Buch.")),
        r"t.parquet, row 3, translates 'Sie las ein Buch.'",
    ),
    "parquet: nothing there": (_parquet(lambda rows: _set(rows, 1, mt=None)), r"t.parquet, row 2, has nothing under"),
    "parquet: no Parquet": (_table("t.parquet", "no Parquet"), r"t.parquet is damaged"),
    "wmt: shuffled": (
        _wmt(lambda folder: _swap(folder / "sources" / "de-en.txt")),
        r"Online-B.txt, line 2, translates sentence 3 where sentence 2",
    ),
    "wmt: no such system": (
        _wmt(lambda _: None, "--system", "Online-C"),
        r"it has no system 'Online-C'; did you mean 'Online-B'",
    ),
    "wmt: two test sets": (
        lambda folder: (
            _wmt(lambda _: None)(folder / "wmt25"), _wmt(lambda _: None)(folder / "wmt26"),
            (str(folder), "--system", "Online-B"),
        )[2],
        r"it holds 2 test sets \(wmt25, wmt26\)",
    ),
    "lm-eval: a limit": (_samples(lambda rows: rows[:2]), r"ends after line 2, and the test set has 4 sentences"),
    "lm-eval: a document twice": (
        _samples(lambda rows: [*rows, rows[1]]),
        r"line 5: sentence 1 is there already, in line 2",
    ),
    "lm-eval: another revision": (
        _samples(lambda rows: _set(rows, 3, doc={"translation": {"de": "Das Haus.", "en": "The house."}})),
        r"line 4, translates 'Das Haus.' and not sentence 4",
    ),
    "lm-eval: by the prompts": (
        _samples(_without_documents),
        r"line 2, was asked with a prompt that does not hold sentence 2 of the test set \('Es regnet heute.'\)",
    ),
    "lm-eval: likelihoods": (
        _samples(lambda rows: _set(rows, 1, filtered_resps=[[-3.5, False], [-4.0, True]])),
        r"line 2, has no single text in filtered_resps",
    ),
    "lm-eval: two runs": (_two_runs, r"are both of de-en; give the folder of one run"),
    "no export": (_table("g.zip", "no zip"), r"g.zip"),
}  # fmt: skip


def _escape(path: Path) -> None:
    path.write_text(path.read_text().replace("The dog", "\\ud83d", 1))


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_file_is_refused_with_its_line_and_nothing_is_written(
    store: Store, tmp_path: Path, dragoman: Any, wrong: str
) -> None:
    write, sentence = WRONG[wrong]
    folder = tmp_path.parent / f"{tmp_path.name}-files"
    folder.mkdir()
    arguments = write(folder)
    before = everything(store, tmp_path)
    done = dragoman("add-system", "g", "other", *arguments)
    assert (done.code, done.out) == (2, "")
    assert re.search(sentence, done.err), done.err
    assert done.err.startswith("dragoman: ") and done.err.count("\n") == 1 and done.err.rstrip()[-1] in ".?"
    assert everything(store, tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("a/b", "x.txt"), r"name .*a/b"),
        (("base", "{path}"), r"The grid g has another system called 'base'"),
        (("x", "{path}", "--format", "text2"), r"translations.format .*text2"),
        (("x", "{path}", "--column", "mt"), r"--column is 'mt': write PART=COLUMN"),
        (("x", "{path}", "--column", "hypotesis=mt"), r"did you mean 'hypothesis'"),
        (("x", "{path}", "--trained-on", "de-xx"), r"de-xx"),
        (("x", "https://me:secret@example.invalid/{{source}}-{{target}}.txt"), r"can't be opened|no such file"),
    ],
)
def test_a_command_that_says_something_impossible(
    store: Store, tmp_path: Path, dragoman: Any, arguments: tuple[str, ...], sentence: str
) -> None:
    folder = layouts.text(tmp_path.parent / f"{tmp_path.name}-files", HYPOTHESES, ISO)
    path = f"{folder}/{PATTERN}"
    before = everything(store, tmp_path)
    done = dragoman("add-system", "g", *(path if each == "{path}" else each for each in arguments))
    assert done.code == 2 and re.search(sentence, done.err), done.err
    assert "secret" not in done.err
    assert everything(store, tmp_path) == before
