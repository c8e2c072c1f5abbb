"""Writers of the layouts that translations of systems come in, as the programs that make them write them."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dragoman.pair import Pair

Lines = Mapping[Pair, Sequence[str]]


def text(folder: Path, lines: Lines, names: Mapping[str, str], pattern: str = "{source}-{target}.txt") -> Path:
    """One text file a pair, named by some standard's codes."""
    for pair, hypotheses in lines.items():
        path = folder / pattern.format(source=names[pair.source], target=names[pair.target])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in hypotheses), encoding="utf-8")
    return folder


def rows(lines: Lines, sources: Mapping[str, Sequence[str]], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """A row for each translation."""
    return [
        {"lp": f"{names[pair.source]}-{names[pair.target]}", "src": source, "mt": hypothesis, "seg": number}
        for pair, hypotheses in lines.items()
        for number, (source, hypothesis) in enumerate(zip(sources[pair.source], hypotheses, strict=True), 1)
    ]


def delimited(path: Path, table: Sequence[Mapping[str, Any]], delimiter: str) -> Path:
    """A table with a header; CSV as spreadsheets write it, TSV without quoting."""
    with path.open("w", encoding="utf-8", newline="") as file:
        if delimiter == ",":
            writer = csv.DictWriter(file, list(table[0]))
            writer.writeheader()
            writer.writerows(table)
        else:
            file.writelines("\t".join(map(str, row)) + "\n" for row in [table[0].keys(), *(r.values() for r in table)])
    return path


def json_lines(path: Path, table: Sequence[Mapping[str, Any]]) -> Path:
    """One object a line."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in table), encoding="utf-8")
    return path


def parquet(path: Path, table: Sequence[Mapping[str, Any]]) -> Path:
    """A Parquet file."""
    pq.write_table(pa.Table.from_pylist([dict(row) for row in table]), path)
    return path


def wmt(
    folder: Path, lines: Lines, text_of: Mapping[str, Sequence[str]], names: Mapping[str, str], system: str
) -> Path:
    """The folder of a test set as mt-metrics-eval's README lays it out ("File organization and naming convention")."""
    for pair, hypotheses in lines.items():
        languages = f"{names[pair.source]}-{names[pair.target]}"
        files = {
            f"sources/{languages}.txt": text_of[pair.source],
            f"references/{languages}.refA.txt": text_of[pair.target],
            f"system-outputs/{languages}/{system}.txt": hypotheses,
            f"system-outputs/{languages}/refA.txt": text_of[pair.target],
            f"documents/{languages}.docs": ["news doc1"] * len(hypotheses),
        }
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{line}\n" for line in content), encoding="utf-8")
    return folder


def lm_eval(
    folder: Path, lines: Lines, text_of: Mapping[str, Sequence[str]], names: Mapping[str, str], ranks: int = 2
) -> Path:
    """Samples as lm-evaluation-harness writes them (lm_eval/loggers/evaluation_tracker.py): of several processes, the
    lines of one stand after those of another."""
    model = folder / "facebook__xglm-564M"
    model.mkdir(parents=True, exist_ok=True)
    (model / "results_2026-11-30T08-00-00.123456.json").write_text("{}")
    for pair, hypotheses in lines.items():
        source, target = names[pair.source], names[pair.target]
        samples = [
            {
                "doc_id": number,
                "doc": {"translation": {source: text_of[pair.source][number], target: text_of[pair.target][number]}},
                "target": f" {text_of[pair.target][number]}",
                "arguments": {"gen_args_0": {
                    "arg_0": f"{source} phrase: {text_of[pair.source][number]}\n\n{target} phrase:",
                    "arg_1": {"until": ["\n"]},
                }},
                "resps": [[f" {hypothesis}"]], "filtered_resps": [f" {hypothesis}"], "filter": "none",
                "metrics": ["bleu"], "doc_hash": "0", "prompt_hash": "0", "target_hash": "0",
            }
            for number, hypothesis in enumerate(hypotheses)
        ]  # fmt: skip
        ordered = [sample for rank in range(ranks) for sample in samples[rank::ranks]]
        json_lines(model / f"samples_wmt26-{source}-{target}_2026-11-30T08-00-00.123456.jsonl", ordered)
    return folder
