"""Tokens by language: characters without a token and in bytes are counted, and what can't be written is named."""

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE, Unigram, WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.trainers import BpeTrainer

from dragoman.planning.planner import make_plan
from dragoman.planning.tokenizer_coverage import coverage, coverages
from dragoman.reports.plan_lines import tokens
from dragoman.spec.grid import GridSpec

TINY = Path(__file__).parents[3] / "examples/tiny-xglm/tokenizer.json"


def byte_level() -> Tokenizer:
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(["hello 日"] * 3, BpeTrainer(vocab_size=300, initial_alphabet=alphabet))
    return tokenizer


def with_byte_fallback() -> Tokenizer:
    pieces = [("<unk>", 0.0), *((f"<0x{byte:02X}>", -9.0) for byte in range(256)), ("hello", -1.0), (" ", -1.0)]
    tokenizer = Tokenizer(Unigram(pieces, unk_id=0, byte_fallback=True))
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    return tokenizer


def dropping() -> Tokenizer:
    """Without an unknown token: characters without a token vanish."""
    return Tokenizer(BPE(vocab={"h": 0, "i": 1, " ": 2}, merges=[]))


@pytest.mark.parametrize(
    ("made", "text", "unknown", "in_bytes"),
    [
        (byte_level, "hello 日本", 0, 1),  # 日 was learnt, 本 is spelt
        (with_byte_fallback, "hello 日本", 0, 2),
        (dropping, "hi ho", 1, 0),
        (lambda: Tokenizer.from_file(str(TINY)), "Hello สวัสดี", 6, 0),  # one unknown token for the whole word
    ],
)
def test_characters_without_a_token_and_in_bytes_are_counted(made: Any, text: str, unknown: int, in_bytes: int) -> None:
    found = coverage(made(), "en", [text])
    assert (found.unknown, found.in_bytes) == (unknown, in_bytes)
    assert (found.lines, found.words, found.characters) == (1, 2, len(text) - 1)


@pytest.mark.parametrize("tag", ["ar", "bg", "ca", "de", "en", "fi", "fr", "hi", "ko", "ru", "sw", "ta", "zh-Hans"])
def test_the_bundled_base_writes_the_languages_it_was_made_for_and_not_japanese(tag: str) -> None:
    languages = [tag, "ja"]
    spec = {"name": "g", "base": str(TINY.parent), "languages": languages, "corpus": "cldr", "prompt": "mfti",
            "evaluation": {"sentences": 100, "metrics": ["bleu"]}}  # fmt: skip
    (found,) = coverages(make_plan(GridSpec.model_validate(spec))).found
    assert found.unwritable == ["ja"] and found.targets == {tag: 1, "ja": 1}
    assert found.languages[tag].lines == 100 and found.languages["ja"].words == 0


def model(folder: Path, known: list[str]) -> str:
    folder.mkdir()
    tokenizer = Tokenizer(WordLevel({"?": 0, **{word: at for at, word in enumerate(known, 1)}}, unk_token="?"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps({"model_type": "xglm", "max_position_embeddings": 64}))
    (folder / "model.safetensors").write_bytes(folder.name.encode())
    return str(folder)


def test_each_tokenizer_has_its_rows_and_what_it_cannot_write_is_said(tmp_path: Path) -> None:
    (tmp_path / "test.tsv").write_text("en\tde\none two\teins zwei\n")
    spec = {
        "name": "g", "base": model(tmp_path / "base", ["one", "two", "eins"]), "languages": ["en", "de"],
        "corpus": {"kind": "tsv", "path": {"test": str(tmp_path / "test.tsv")}}, "prompt": "{source} =>",
        "evaluation": {"pairs": [["en", "de"]], "metrics": ["bleu"]},
        "baselines": [
            {"name": "knows", "model": model(tmp_path / "other", ["one", "two", "eins", "zwei"])},
            {"name": "far", "model": "nobody/has-this", "revision": "0" * 40},
        ],
    }  # fmt: skip
    table = tokens(make_plan(GridSpec.model_validate(spec)))
    rows = {(row["models"][0], row["language"]): row for row in table.rows}
    assert [(key, row["unknown"], row["writable"]) for key, row in rows.items()] == [
        (("base", "de"), 50.0, False), (("base", "en"), 0.0, True),
        (("knows", "de"), 0.0, True), (("knows", "en"), 0.0, True),
    ]  # fmt: skip
    assert rows["base", "de"]["per_word"] == 1 and rows["base", "de"]["per_character"] == 2 / 8
    warning, unread = table.notes
    assert warning.startswith("base: German (de) can't be written: 50% of the characters")
    assert "The pair into de will come out empty" in warning
    assert unread == "far: its tokenizer.json and config.json are not on this machine"
