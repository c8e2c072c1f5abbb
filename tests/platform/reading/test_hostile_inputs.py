"""Inputs made to exhaust memory or time, or never to end: a sentence refuses each, quickly and in little memory."""

import bz2
import gzip
import json
import lzma
import os
import socket
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

pytestmark = pytest.mark.slow  # some ten seconds on a quiet machine, most of them to write the inputs

MEGABYTES = 300
"""What a hostile input may take above what the process had before it."""
SECONDS = 60
"""Far more than any takes on a quiet machine: a bound that fails lets them run for minutes, or for ever."""


class Case(NamedTuple):
    """A hostile input."""

    make: Callable[[Path], object]
    """Writes it into a folder."""
    read: str
    """The expression of `measure.py` that reads it."""
    said: str
    """What the sentence holds."""


def write(name: str, content: str | bytes) -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    return make


def long_line(name: str) -> Callable[[Path], object]:
    """200 MB without a line break, which take no room on the disk."""

    def make(folder: Path) -> None:
        with (folder / name).open("wb") as file:
            file.truncate(200_000_000)

    return make


def laughs(one: str, many: str) -> str:
    """A value that stands for ten of another one, eight times over (https://en.wikipedia.org/wiki/Billion_laughs_attack)."""
    lines = [f"a0: &a0 {one}"]
    lines += [f"a{n}: &a{n} {many.format(', '.join([f'*a{n - 1}'] * 10))}" for n in range(1, 9)]
    return "\n".join(lines)


def zipped(name: str, members: dict[str, bytes], times: int = 1) -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as file:
            for member, content in members.items():
                for number in range(times):
                    file.writestr(member.format(number), content)

    return make


def overlapping(folder: Path) -> None:
    """A zip whose members all are the same bytes of it (https://www.bamsoftware.com/hacks/zipbomb/)."""
    with zipfile.ZipFile(folder / "overlapping.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("c.de-en.de", bytes(20_000_000))
        one = file.getinfo("c.de-en.de")
        for number in range(1000):
            again = zipfile.ZipInfo(f"c{number}.de-en.de")
            for field in ("compress_type", "compress_size", "file_size", "CRC", "header_offset"):
                setattr(again, field, getattr(one, field))
            file.filelist.append(again)
            file.NameToInfo[again.filename] = again


def many_members(folder: Path) -> None:
    """A zip whose directory has a million members, of which none is there."""
    entry = b"PK\x01\x02" + bytes(24) + (1).to_bytes(2, "little") + bytes(16) + b"a"
    data = entry * 1_000_000
    end = b"PK\x05\x06" + bytes(4) + b"\xff\xff\xff\xff" + len(data).to_bytes(4, "little") + bytes(4) + bytes(2)
    (folder / "members.zip").write_bytes(data + end)


def repeated_rows(folder: Path) -> None:
    """Parquet of some hundred kilobytes that stands for half a gigabyte."""
    (folder / "plus" / "devtest").mkdir(parents=True)
    names = {"deu_Latn": "x" * 1000, "eng_Latn": "y" * 1000}
    for name, text in names.items():
        rows = pa.table({"id": pa.array(range(500_000)), "text": pa.array([text]).take(pa.array([0] * 500_000))})
        pq.write_table(rows, folder / "plus" / "devtest" / f"{name}.parquet", compression="zstd")


def repeated_blob(folder: Path) -> None:
    texts = pa.array(["x" * 10_000]).take(pa.array([0] * 200_000))
    pq.write_table(pa.table({"source": texts, "reference": texts}), folder / "blob.parquet", compression="zstd")


def fifo_among_files(folder: Path) -> None:
    (folder / "side").mkdir()
    os.mkfifo(folder / "side" / "x.de-en.de")
    (folder / "side" / "x.de-en.en").write_text("a\n")


def model(name: str, content: str) -> Callable[[Path], object]:
    return write(f"{name}/tokenizer.json", content)


def nested_zip(folder: Path) -> None:
    zipped("inner.zip", {"x.de-en.de": bytes(30_000_000), "x.de-en.en": b"a\n"})(folder)
    inner = (folder / "inner.zip").read_bytes()
    (folder / "nested").mkdir()
    zipped("nested/outer.zip", {"inner.zip": inner})(folder)


def a_socket(folder: Path) -> None:
    here = Path.cwd()
    os.chdir(folder)  # a socket's path has 107 bytes at most
    try:
        socket.socket(socket.AF_UNIX).bind("socket.yaml")
    finally:
        os.chdir(here)


NESTED = "[" * 100_000 + "]" * 100_000
DIGITS = "1" * 5000
MANY_KEYS = "{" + ",".join(f'"k{n:06}":{n}' for n in range(2_500_000)) + "}"
LINES = b"de\ten\n" + (b"Wort " * 200 + b"\t" + b"word " * 200 + b"\n") * 10_000
ONE_LINE = bytes(100_000_000)
SPEC = "load_campaign(folder / '{}')"

CASES = {
    "aliases": Case(write("aliases.yaml", laughs("[x, x]", "[{}]")), SPEC.format("aliases.yaml"), "limit_spec_values"),
    "merged aliases": Case(
        write("merged.yaml", laughs("{k: 1, l: 2}", "{{<<: [{}]}}")), SPEC.format("merged.yaml"), "limit_spec_values"
    ),
    "aliases of a long text": Case(
        write("text.yaml", f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 10_000)}]"),
        SPEC.format("text.yaml"),
        "limit_spec_bytes",
    ),
    "an alias of itself": Case(write("self.yaml", "a: &a [*a]"), SPEC.format("self.yaml"), "write it out"),
    "50 MB of keys": Case(
        write("keys.yaml", "".join(f"key{n:08}: 1\n" for n in range(3_200_000))),
        SPEC.format("keys.yaml"),
        "limit_spec_bytes",
    ),
    "a line of 200 MB": Case(long_line("line.yaml"), SPEC.format("line.yaml"), "limit_spec_bytes"),
    "deep YAML": Case(write("deep.yaml", f"a: {NESTED}"), SPEC.format("deep.yaml"), "limit_depth"),
    "a number of 5,000 digits": Case(
        write("digits.yaml", f"a: {DIGITS}"), SPEC.format("digits.yaml"), "is the largest"
    ),
    "hexadecimal digits": Case(write("hex.yaml", f"seed: 0x{DIGITS}"), SPEC.format("hex.yaml"), "is the largest"),
    "many values": Case(
        write("values.yaml", f"a: [{'1,' * 400_000}]"), SPEC.format("values.yaml"), "limit_spec_values"
    ),
    "/dev/zero": Case(lambda _: None, "load_campaign(folder / '/dev/zero')", "is a device"),
    "a link to /dev/zero": Case(
        lambda folder: (folder / "link.yaml").symlink_to("/dev/zero"), SPEC.format("link.yaml"), "is a device"
    ),
    "a pipe": Case(lambda folder: os.mkfifo(folder / "pipe.yaml"), SPEC.format("pipe.yaml"), "is a pipe"),
    "a socket": Case(a_socket, SPEC.format("socket.yaml"), "is a socket"),
    "a policy of aliases": Case(
        write("policy.yaml", laughs("[x, x]", "[{}]")), "load_policy(folder / 'policy.yaml', 'm')", "limit_spec_values"
    ),
    "a policy from a pipe": Case(
        lambda folder: os.mkfifo(folder / "policy.pipe"), "load_policy(folder / 'policy.pipe', 'm')", "is a pipe"
    ),
    "JSON lines 100,000 deep": Case(
        write("deep.jsonl", f'{{"de": {NESTED}, "en": "a"}}\n'),
        "text_of('jsonl', path=str(folder / 'deep.jsonl'))",
        "line 1, is nested too deeply",
    ),
    "JSON lines with 5,000 digits": Case(
        write("digits.jsonl", f'{{"de": {DIGITS}, "en": "a"}}\n'),
        "text_of('jsonl', path=str(folder / 'digits.jsonl'))",
        "line 1, has a number of thousands of digits",
    ),
    "JSON lines of 200 MB": Case(
        long_line("line.jsonl"), "text_of('jsonl', path=str(folder / 'line.jsonl'))", "limit_line_bytes"
    ),
    "JSON lines of many keys": Case(
        write("keys.jsonl", MANY_KEYS[:7_999_987].rpartition(",")[0] + "}\n"),
        "text_of('jsonl', path=str(folder / 'keys.jsonl'))",
        "more than 10,000 columns",
    ),
    "a table of 200 MB in a line": Case(
        long_line("line.tsv"), "text_of('tsv', path=str(folder / 'line.tsv'))", "limit_line_bytes"
    ),
    "a table of many columns": Case(
        write("columns.tsv", "de\t" * 2_000_000 + "\n"),
        "text_of('tsv', path=str(folder / 'columns.tsv'))",
        "more than 10,000 columns",
    ),
    "gzip of one line": Case(
        write("line.tsv.gz", gzip.compress(ONE_LINE, 1)),
        "text_of('tsv', path=str(folder / 'line.tsv.gz'))",
        "limit_line_bytes",
    ),
    **{
        f"{name} of equal lines": Case(
            write(f"lines.tsv.{ending}", pack(LINES)),
            f"text_of('tsv', path=str(folder / 'lines.tsv.{ending}'))",
            "limit_ratio",
        )
        for name, ending, pack in (
            ("gzip", "gz", lambda data: gzip.compress(data, 6)),
            ("bzip2", "bz2", lambda data: bz2.compress(data, 1)),
            ("xz", "xz", lambda data: lzma.compress(data, preset=0)),
            ("zstd", "zst", zstd.compress),
        )
    },
    "a zip of one line": Case(
        zipped("line.zip", {"x.de-en.de": ONE_LINE, "x.de-en.en": b"a\n"}),
        "text_of('opus-moses', path=str(folder / 'line.zip'))",
        "limit_ratio",
    ),
    "a zip in a zip": Case(
        nested_zip, "text_of('opus-moses', path=str(folder / 'nested' / 'outer.zip'))", "limit_ratio"
    ),
    "a zip whose members overlap": Case(
        overlapping, "text_of('opus-moses', path=str(folder / 'overlapping.zip'))", "limit_ratio"
    ),
    "a zip of a million members": Case(
        many_members, "text_of('opus-moses', path=str(folder / 'members.zip'))", "limit_members"
    ),
    "a zip in a chain of a million members": Case(
        many_members, "text_of('tsv', path=f'zip://a::{folder}/members.zip')", "limit_members"
    ),
    "Parquet of equal rows": Case(
        repeated_rows, "text_of('flores-plus', 'test', path=str(folder / 'plus'))", "limit_file_bytes"
    ),
    "a corpus that is a device": Case(lambda _: None, "text_of('tsv', path='/dev/zero')", "is a device"),
    "a corpus behind a chain": Case(lambda _: None, "text_of('tsv', path='zip://a::/dev/zero')", "is a device"),
    "a pipe among files": Case(fifo_among_files, "text_of('opus-moses', path=str(folder / 'side'))", "is a pipe"),
    "a tokenizer 100,000 deep": Case(
        model("deep", NESTED), "deciding_settings(folder / 'deep', False)", "is nested too deeply"
    ),
    "a tokenizer with 5,000 digits": Case(
        model("digits", f'{{"a": {DIGITS}}}'), "deciding_settings(folder / 'digits', False)", "thousands of digits"
    ),
    "a tokenizer of many keys": Case(
        model("keys", MANY_KEYS), "deciding_settings(folder / 'keys', False)", "limit_json_values"
    ),
    "a tokenizer of 200 MB": Case(
        lambda folder: ((folder / "long").mkdir(), long_line("long/tokenizer.json")(folder)),
        "deciding_settings(folder / 'long', False)",
        "limit_file_bytes",
    ),
    "a tokenizer that is a pipe": Case(
        lambda folder: ((folder / "piped").mkdir(), os.mkfifo(folder / "piped" / "vocab.json")),
        "deciding_settings(folder / 'piped', False)",
        "is a pipe",
    ),
    "an archive that unpacks to much": Case(
        zipped("bomb.zip", {"manifest.json": b"{}", "grid.json": ONE_LINE}),
        "imported(folder / 'bomb.zip')",
        "limit_ratio",
    ),
    "an archive of a million members": Case(many_members, "imported(folder / 'members.zip')", "limit_members"),
    "an archive from a pipe": Case(
        lambda folder: os.mkfifo(folder / "archive.pipe"), "imported(folder / 'archive.pipe')", "is a pipe"
    ),
    "a backup's manifest of 200 MB": Case(
        lambda folder: ((folder / "backup").mkdir(), long_line("backup/manifest.json")(folder)),
        "Manifest.read(folder / 'backup')",
        "limit_file_bytes",
    ),
    "a blob of equal rows": Case(
        repeated_blob, "check_blob('0' * 64, (folder / 'blob.parquet').read_bytes())", "limit_ratio"
    ),
    "statistics that unpack to much": Case(
        write("statistics", b"\x01" + zlib.compress(ONE_LINE)),
        "unpack((folder / 'statistics').read_bytes())",
        "more than 67,108,864 bytes",
    ),
    "a text of 200 MB": Case(long_line("text.txt"), "read_bytes(folder / 'text.txt')", "limit_file_bytes"),
}


class Measured(NamedTuple):
    """What reading a case took."""

    seconds: float
    megabytes: float
    said: str


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Measured]:
    """Every case, read one after the other in one process."""
    folder = tmp_path_factory.mktemp("hostile")
    for case in CASES.values():
        if case.make is many_members and (folder / "members.zip").exists():
            continue
        case.make(folder)
    words = json.dumps({name: case.read for name, case in CASES.items()})
    script = Path(__file__).with_name("measure.py")
    with subprocess.Popen(
        [sys.executable, str(script), str(folder), words], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            said, _ = process.communicate(timeout=10 * SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
    rows = map(json.loads, said.splitlines())
    return {row.pop("name"): Measured(**row) for row in rows}


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is measured by Linux's /proc")
@pytest.mark.parametrize("name", CASES)
def test_a_hostile_input_is_a_sentence(name: str, measured: dict[str, Measured]) -> None:
    assert name in measured, "it, or one before it, did not end"
    found = measured[name]
    assert CASES[name].said in found.said
    assert "Traceback" not in found.said
    assert "\n" not in found.said
    assert found.megabytes < MEGABYTES
    assert found.seconds < SECONDS
