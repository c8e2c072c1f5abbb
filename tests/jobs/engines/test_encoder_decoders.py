"""Translation models that take a sentence and language codes: NLLB, M2M-100 and mBART-50, with random weights."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import (
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    M2M100Tokenizer,
    NllbTokenizer,
)

from dragoman.errors import ModelError
from dragoman.pair import Pair
from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines.base import Engine, Request
from dragoman_jobs.engines.ctranslate2 import CTranslate2Engine
from dragoman_jobs.engines.fast_tokenizer import fast_tokenizer
from dragoman_jobs.engines.tokenization import PromptTokenizer
from dragoman_jobs.engines.transformers import TransformersEngine
from dragoman_jobs.models.checkpoint import Checkpoint

ENGINES: tuple[type[Engine], ...] = (CTranslate2Engine, TransformersEngine)
WORDS = ("one", "two", "three", "seven", "eins", "zwei")
TEXT = [f"{word} {other}." for word in WORDS for other in ("cat", "Hund", "12")]
SOURCES = ["one cat.", "seven Hund 12.", "zwei  cats and two three ∞ eins.", "two cat.", "two Hund."]
KINDS = ("nllb", "m2m", "mbart50")
CODES = {
    "nllb": ("eng_Latn", "deu_Latn", "zho_Hans"),
    "m2m": ("en", "de", "zh"),
    "mbart50": ("en_XX", "de_DE", "zh_CN"),
}
TAGS = ("en", "de", "zh-Hans")


def translate(
    engine: type[Engine], folder: Path, cache: Path, decoding: Decoding, pair: Pair, sources: list[str]
) -> list[Any]:
    prepared = engine.prepare(Checkpoint(id=folder.parent.name, model=str(folder)), decoding, cache)
    return engine(prepared, decoding).translate_pair(pair, sources, [""] * len(sources))


def expected(folder: Path, kind: str, pair: Pair, sources: list[str]) -> list[str]:
    """What transformers' own documentation does, sentence by sentence."""
    source, target = (CODES[kind][TAGS.index(tag)] for tag in pair)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, src_lang=source)
    tokenizer.src_lang = source
    forced = tokenizer.convert_tokens_to_ids(f"__{target}__" if kind == "m2m" else target)
    model: Any = AutoModelForSeq2SeqLM.from_pretrained(folder)
    texts = []
    for sentence in sources:
        output = model.generate(
            **tokenizer(sentence, return_tensors="pt"), forced_bos_token_id=forced, max_new_tokens=11, num_beams=1,
            do_sample=False, forced_eos_token_id=None,
        )  # fmt: skip
        texts.append(plain(tokenizer.decode(output[0, 2:], skip_special_tokens=True)))
    return texts


def plain(text: str) -> str:
    """Without spaces, and without what M2M-100's own tokenizer shows of tokens that are no text."""
    return re.sub(r"__[a-z]+__|<unk>|\s", "", text)


@pytest.mark.parametrize("kind", KINDS)
def test_both_engines_write_what_transformers_writes(
    kind: str, translator: Callable[[str], Path], tmp_path: Path
) -> None:
    pair, folder = Pair("en", "zh-Hans"), translator(kind)
    own = expected(folder, kind, pair, SOURCES)
    assert len(set(own)) > 2
    for engine in ENGINES:
        made = translate(engine, folder, tmp_path, Decoding(max_new_tokens=10), pair, SOURCES)
        assert [plain(each.text) for each in made] == own, engine


@pytest.mark.parametrize("kind", KINDS)
def test_both_engines_keep_the_same_beams(kind: str, translator: Callable[[str], Path], tmp_path: Path) -> None:
    decoding = Decoding(max_new_tokens=10, beam=2)
    pair = Pair("en", "zh-Hans")
    fast, reference = (translate(engine, translator(kind), tmp_path, decoding, pair, SOURCES) for engine in ENGINES)
    assert fast == reference


@pytest.mark.parametrize("kind", KINDS)
def test_the_pair_decides_and_the_batch_does_not(kind: str, translator: Callable[[str], Path], tmp_path: Path) -> None:
    decoding = Decoding(max_new_tokens=10)
    for engine in ENGINES:
        found = {}
        for pair in (Pair("en", "de"), Pair("de", "en"), Pair("en", "zh-Hans")):
            together = translate(engine, translator(kind), tmp_path, decoding, pair, SOURCES)
            alone = [translate(engine, translator(kind), tmp_path, decoding, pair, [each])[0] for each in SOURCES[:3]]
            assert together[:3] == alone
            found[pair] = tuple(together)
        assert len(set(found.values())) == 3


def test_a_language_the_model_does_not_know(translator: Callable[[str], Path], tmp_path: Path) -> None:
    for engine in ENGINES:
        with pytest.raises(ModelError, match="no token for the language sw"):
            translate(engine, translator("nllb"), tmp_path, Decoding(max_new_tokens=4), Pair("en", "sw"), ["one"])


def test_a_sentence_longer_than_the_models_positions(translator: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"Sentence 2 of en-de has .* the model has 64 positions"):
        translate(
            CTranslate2Engine, translator("nllb"), tmp_path, Decoding(max_new_tokens=4), Pair("en", "de"),
            ["one", "one " * 200],
        )  # fmt: skip


def test_m2ms_pieces_are_read_as_its_own_tokenizer_reads_them(
    translator: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = translator("m2m")
    tokenizer = M2M100Tokenizer.from_pretrained(folder)
    fast = fast_tokenizer(tokenizer, folder)
    for sentence in (*TEXT, *SOURCES, "", "  leading", "ﬁne ½ Ａ"):
        own = tokenizer(sentence, add_special_tokens=False).input_ids
        assert fast.encode(sentence, add_special_tokens=False).ids == own, sentence
        assert fast.decode(own).strip() == tokenizer.decode(own, skip_special_tokens=True).strip()


def test_the_language_tokens_stand_where_the_tokenizer_puts_them(
    translator: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = translator("nllb")
    prepared = TransformersEngine.prepare(Checkpoint(id="n", model=str(folder)), Decoding(), tmp_path)
    prompting = PromptTokenizer(prepared, Decoding(max_new_tokens=10))
    languages = prompting.facts.languages
    assert languages is not None
    tokenizer = NllbTokenizer.from_pretrained(folder, src_lang="deu_Latn")
    ((ids, target),) = prompting.encode_sentences(languages, [Request(Pair("de", "en"), "two cat.", "")])
    assert ids == tokenizer("two cat.").input_ids
    assert target == tokenizer.convert_tokens_to_ids("eng_Latn")
    assert set(languages.tokens) == set(TAGS)
