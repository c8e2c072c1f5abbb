"""Facts about languages: amounts of pretraining text, similarity by CLDR and URIEL+, tokens, and training."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from tests.platform.explanation.planted_grid import LANGUAGES, store_with
from tokenizers import Tokenizer, models, pre_tokenizers

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.errors import DragomanError, StoreError
from dragoman.explanation import uriel
from dragoman.explanation.factors import FactOptions, facts_of
from dragoman.explanation.language_lines import language_lines
from dragoman.explanation.pretraining import PretrainingError, pretraining, read_amounts, xglm
from dragoman.explanation.similarity import measure, script_similarity, tree_similarity
from dragoman.pair import Pair, all_pairs
from dragoman.partition import Evidence, TrainingGraph
from dragoman.segment import Segment

QUESTION = ScoreQuestion("planted", "bleu")


def test_amounts_of_xglm_are_those_of_its_model_card() -> None:
    """https://huggingface.co/facebook/xglm-564M: its table adds up to its own column of ratios."""
    amounts = xglm()
    assert len(amounts.tokens) == len(amounts.upsampled) == 30
    assert amounts.tokens["en"] / sum(amounts.tokens.values()) == pytest.approx(0.489906, abs=1e-6)
    assert amounts.tokens["qu"] / sum(amounts.tokens.values()) == pytest.approx(1.97304e-06, abs=1e-11)
    assert sum(amounts.upsampled.values()) == pytest.approx(1, abs=0.0005)
    assert amounts.upsampled["ko"] > amounts.upsampled["de"] and amounts.tokens["ko"] < amounts.tokens["de"]


@pytest.mark.parametrize(
    ("model", "is_known"),
    [
        ("facebook/xglm-564M", True), ("facebook/xglm-7.5B", True), ("/models/XGLM_1.7b", True),
        ("facebook/xglm-2.9B-sft", True), ("facebook/xglm-4.5B", False), ("tiny-xglm", False), ("xglm-17.5B", False),
        ("gpt2", False),
    ],
)  # fmt: skip
def test_bases_of_xglm_are_known_by_their_names(model: str, is_known: bool) -> None:
    assert (pretraining({"model": model}, {}) is not None) is is_known
    assert (pretraining({}, {"model": model}) is not None) is is_known


def test_a_folder_is_known_by_its_configuration_and_the_spec_and_a_file_come_first(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"_name_or_path": "facebook/xglm-1.7B"}))
    base = {"model": str(tmp_path)}
    assert pretraining(base, {}) == xglm()
    told = pretraining({**base, "pretraining": {"en": 5.0}}, {})
    assert told is not None and told.tokens == {"en": 5.0}
    file = tmp_path / "tokens.csv"
    file.write_text("\ufefflanguage,tokens\neng_Latn,8e11\nzho_Hans,1000\n", encoding="utf-8")
    read = pretraining({**base, "pretraining": {"en": 5.0}}, {}, file)
    assert read is not None and read.tokens == {"en": 8e11, "zh-Hans": 1000}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("tag,amount\nen,5\n", "has the columns tag, amount: write a first line `language,tokens`"),
        ("", "has the columns none"),
        ("language,tokens\n", "names no language"),
        ("language,tokens\nen,many\n", "line 2: 'many' is no amount; write a number"),
        ("language,tokens\nen,-5\n", "line 2: '-5' is no amount"),
        ("language,tokens\nen\n", "line 2: 'None' is no amount"),
        ("language,tokens\nen,5\neng,6\n", "line 3: en is there already"),
        ("language,tokens\nklingonish,5\n", "line 2: 'klingonish' is not a language"),
        ("language,tokens,share\nen,5,1\n", "has a column 'share'; "),
    ],
)
def test_a_file_of_amounts_that_is_none_is_refused(content: str, sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "tokens.csv"
    file.write_text(content)
    with pytest.raises(PretrainingError, match=sentence.replace("(", r"\(")):
        read_amounts(file)
    with pytest.raises(PretrainingError, match="can't be read"):
        read_amounts(tmp_path / "none.csv")


def test_similarity_by_cldr_is_the_common_share_of_the_tree_and_the_script() -> None:
    """CLDR: ine > gem > gmw holds English and German, ine > itc > roa French, urj > fiu Finnish."""
    assert tree_similarity("en", "de") == 3 / 4
    assert tree_similarity("en", "fr") == tree_similarity("fr", "en") == 1 / 4
    assert tree_similarity("en", "fi") == tree_similarity("ko", "ja") == 0
    assert tree_similarity("ko", "ko") == 1
    assert (script_similarity("sr-Latn", "en"), script_similarity("sr", "en")) == (1, 0)
    assert script_similarity("zh-Hans", "zh-Hant") == 0
    found = measure("cldr").matrix(["en", "de", "ru", "fi"], {})
    assert found[0].tolist() == [1, 0.875, 0.125, 0.5]
    with pytest.raises(DragomanError, match="no measure of similarity 'cldrs'; did you mean 'cldr'"):
        measure("cldrs")


WITH_URIEL = pytest.mark.skipif(find_spec("urielplus") is None, reason="urielplus is not installed")
OF_URIEL = {
    "genetic": [1, 1, 1, 0.8934],
    "geographic": [0.1832, 0.3047, 0.0812, 0.1849],
    "syntactic": [0.5681, 0.5275, 0.5052, 0.4525],
    "phonological": [None, 0.39, 0.2736, 0.2804],
    "inventory": [None, 0.5926, 0.4694, 0.5594],
    "featural": [0.5681, 0.5494, 0.4675, 0.4975],
    "script": [0.5574, None, 0.1864, 0.3918],
}
"""What `URIELPlus().new_distance` of urielplus 1.3.2 gives from eng to arb, cmn, fin and rus; None for its -1."""


@WITH_URIEL
@pytest.mark.parametrize("category", uriel.CATEGORIES)
def test_distances_of_uriel_are_those_of_its_package(category: str) -> None:
    found = uriel.distances(["en", "ar", "zh-Hans", "fi", "ru"], category)
    expected = [np.nan if each is None else each for each in OF_URIEL[category]]
    assert found[0, 1:] == pytest.approx(expected, abs=5.1e-5, nan_ok=True)


@WITH_URIEL
def test_the_package_is_neither_run_nor_written_to() -> None:
    code = (
        "import sys; from dragoman.explanation.similarity import measure; "
        "found = measure('uriel-script').matrix(['en', 'zh-Hans', 'de'], {}); "
        "print('urielplus.urielplus' in sys.modules, found[0, 1] != found[0, 1], found[0, 2])"
    )
    origin = find_spec("urielplus").origin  # type: ignore[union-attr]
    before = sorted(path.name for path in (Path(str(origin)).parent / "database").iterdir())
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split()[:2] == ["False", "True"]
    assert 0.8 < float(run.stdout.split()[2]) < 0.82
    assert sorted(path.name for path in (Path(str(origin)).parent / "database").iterdir()) == before


def test_without_the_package_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    uriel._read.cache_clear()
    monkeypatch.setattr(uriel, "find_spec", lambda name: None)
    with pytest.raises(DragomanError, match=r"CC BY-SA 4.0: `pip install 'dragoman\[languages\]'`"):
        measure("uriel-syntactic").matrix(["en", "de"], {})
    uriel._read.cache_clear()


def characters(folder: Path) -> Path:
    """A tokenizer whose tokens are characters."""
    letters = {chr(number): place for place, number in enumerate(range(32, 0x9FFF))}
    tokenizer = Tokenizer(models.BPE(vocab=letters, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def text(pair: Pair) -> list[Segment]:
    words = {"en": "two words", "de": "zwei ganze Worte", "zh-Hans": "两个词"}
    own, other = (words.get(tag, "abcd") for tag in pair)
    return [Segment(own, other), Segment(own, other)]


def test_tokens_are_counted_on_the_lines_of_each_language_with_the_bases_tokenizer(tmp_path: Path) -> None:
    folder = characters(tmp_path / "base")
    lines = {pair: text(pair) for pair in all_pairs(LANGUAGES) if pair != Pair("fi", "en")}
    del lines[Pair("en", "sw")], lines[Pair("sw", "en")]
    store = store_with(tmp_path, base={"model": str(folder)}, lines=lines)
    found = facts_of(store, QUESTION, LANGUAGES, FactOptions())
    fertility, parity = (
        dict(zip(LANGUAGES, found.factors[name].source.tolist(), strict=True)) for name in ("fertility", "parity")
    )
    assert (fertility["en"], fertility["de"], fertility["sw"]) == (8 / 2, 14 / 3, 4)
    assert np.isnan(fertility["zh-Hans"])
    assert (parity["en"], parity["de"], parity["zh-Hans"], parity["fi"]) == (1, 14 / 8, 3 / 8, 4 / 8)
    assert np.isnan(parity["sw"])
    assert "up to 2 of each language" in found.about[-1]
    store.close()


def test_words_of_the_test_lines_give_type_token_ratio_and_overlap(tmp_path: Path) -> None:
    words = {"en": "a b a c", "de": "a b d", "zh-Hans": "a b"}
    texts = {
        pair: [Segment(*(words.get(tag, f"{tag} {tag}") for tag in pair))] * (1 if "fr" in pair else 2)
        for pair in all_pairs(LANGUAGES)
    }
    store = store_with(tmp_path, lines=texts)
    lines = language_lines(store, QUESTION, LANGUAGES, "en")
    ratios = {tag: own.type_token_ratio for tag, own in lines.items()}
    assert (ratios["en"], ratios["de"], ratios["fr"]) == (3 / 8, 3 / 6, 1 / 2)
    assert np.isnan(ratios["zh-Hans"])
    found = facts_of(store, QUESTION, LANGUAGES, FactOptions(similarity="words"))
    place = LANGUAGES.index
    assert found.similarity[place("de"), place("en")] == 2 * 2 / (3 + 3)  # langrank's overlap, 2 / 6, doubled
    assert found.similarity[place("fi"), place("en")] == 0
    assert np.isnan(found.similarity[place("zh-Hans"), place("en")])
    assert found.factors["types"].source[place("de")] == 0.5
    store.close()


def test_what_is_not_to_be_had_is_said_and_refused_where_it_is_wanted(tmp_path: Path) -> None:
    store = store_with(tmp_path, lambda *_: None, base={"model": "facebook/some-model"})
    found = facts_of(store, QUESTION, LANGUAGES, FactOptions())
    assert found.missing.keys() == {"pretraining", "upsampled", "fertility", "parity", "types"}
    assert list(found.factors) == ["similarity"]
    with pytest.raises(StoreError, match=r"pretraining is not to be had. Nobody has told .* \(--pretraining FILE"):
        facts_of(store, QUESTION, LANGUAGES, FactOptions(), wanted=["pretraining"])
    with pytest.raises(StoreError, match=r"parity is not to be had. Tokens can't be counted: there is no tokenizer"):
        facts_of(store, QUESTION, LANGUAGES, FactOptions(), wanted=["parity"])
    with pytest.raises(DragomanError, match="or a folder with one"):
        facts_of(store, QUESTION, LANGUAGES, FactOptions(tokenizer=tmp_path / "none"))
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(DragomanError, match="is no tokenizer that can be read"):
        facts_of(store, QUESTION, LANGUAGES, FactOptions(tokenizer=tmp_path))
    store.close()


def test_training_is_counted_by_side_and_not_where_nobody_knows(tmp_path: Path) -> None:
    store = store_with(tmp_path, lambda *_: None)
    facts = facts_of(store, QUESTION, LANGUAGES, FactOptions())
    graph = TrainingGraph.of([Pair("en", "de"), Pair("fr", "de"), Pair("en", "ja")], 99)
    found = facts.of_model(graph)
    place = LANGUAGES.index
    assert found["pairs"].source[place("en")] == 2 and found["pairs"].target[place("de")] == 2
    assert found["examples"].source[place("fr")] == pytest.approx(2)
    assert found["examples"].target[place("de")] == pytest.approx(np.log10(199))
    assert "examples" not in facts.of_model(graph.model_copy(update={"evidence": Evidence.DECLARED}))
    assert "pairs" not in facts.of_model(graph.model_copy(update={"evidence": Evidence.UNKNOWN}))
    store.close()
