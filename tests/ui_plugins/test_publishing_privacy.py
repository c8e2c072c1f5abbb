"""What a published site says in place of paths, addresses and secrets; everything else stays as it is."""

from pathlib import Path

import pytest

from dragoman.tables.table import Table
from dragoman_ui.publishing.privacy import public, public_table


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("can't read /home/ann/run 1/x.bin", "can't read …/run 1/x.bin"),
        ("its lines, /data/sets/test.tsv.", "its lines, …/test.tsv."),
        ("(~/models/tiny/)", "(…/tiny)"),
        ("at s3://bucket/private/x and file:///srv/b/y", "at …/x and …/y"),
        ("http://node7.lab:8080", "…"),
        ("postgresql://user:pw@db.example/store", "…/store"),
        (r"C:\Users\ann\model.bin", "…/model.bin"),
        ("&#39;/srv/ann/model&#39;", "&#39;…/model&#39;"),
        ("key=sk-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH", "key=***"),
    ],
)
def test_places_and_secrets_are_left_out(text: str, expected: str) -> None:
    assert public(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "nrefs:1|case:mixed|eff:no|tok:13a/zh|smooth:exp|version:2.6.0",
        '<a href="../pairs/en-de.html#s1">en/de</a> and/or 1/2 <br/></b> n/a',
        '<link href="assets/pages.css"><path d="M0,0l6,-6"></path>',
        "[{source_language}]: {source} [{target_language}]:",
        "95% interval [1.2, 3.4]; p < 0.0001",
        "org/model and …/model.bin",
    ],
)
def test_everything_else_stays(text: str) -> None:
    assert public(text) == text


def test_the_home_is_left_out_whatever_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "of ann & bob"
    home.mkdir()
    monkeypatch.chdir(home)
    assert public(f"in {home}.") == "in …."
    assert public(f"in {str(home).replace('&', '&amp;')}") == "in …"


def test_tables_keep_their_numbers() -> None:
    rows = [{"a": 0.1 + 0.2, "b": "/srv/x/y", "c": ["/srv/x/z", 1], "d": None}]
    assert public_table(Table("t", "t", [], rows)).rows == [{"a": 0.1 + 0.2, "b": "…/y", "c": ["…/z", 1], "d": None}]
