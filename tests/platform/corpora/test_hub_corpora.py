import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dragoman.corpora.factory import open_corpus
from dragoman.errors import CorpusError
from dragoman.pair import Pair
from dragoman.segment import Split

Write = Callable[[str, str | bytes], Path]

DE_EN = Pair("de", "en")


@pytest.fixture(autouse=True)
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub can't be reached, and data sets are cached in the test's folder."""
    import datasets.config
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


def flores_plus(root: Path, name: str, ids: list[int], texts: list[str]) -> None:
    path = root / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"id": ids, "text": texts, "url": ["u"] * len(ids)}), path)


def test_flores_plus_from_a_local_copy_is_aligned_by_id(write: Write, tmp_path: Path) -> None:
    flores_plus(tmp_path, "devtest/eng_Latn", [1, 2, 3], ["One.", "Two\nlines.", "Three."])
    flores_plus(tmp_path, "devtest/deu_Latn", [3, 1], ["Drei.", "Eins."])
    flores_plus(tmp_path, "devtest/por_Latn_braz1246", [1, 2, 3], ["Um.", "Dois.", "Três."])
    write("devtest/cmn_Hans.jsonl", "".join(json.dumps({"id": id_, "text": f"{id_}。"}) + "\n" for id_ in (1, 2, 3)))
    corpus = open_corpus("flores-plus", {"path": str(tmp_path)})
    assert list(corpus.segments(DE_EN, Split.TEST)) == [("Eins.", "One."), ("Drei.", "Three.")]
    assert list(corpus.segments(Pair("zh-Hans", "pt"), Split.TEST))[1] == ("2。", "Dois.")
    assert list(corpus.segments(Pair("en", "pt"), Split.TEST))[1].source == "Two lines."
    assert list(corpus.missing([DE_EN], Split.DEV)) == [DE_EN]


def test_a_damaged_flores_plus_file_names_itself(write: Write, tmp_path: Path) -> None:
    flores_plus(tmp_path, "devtest/eng_Latn", [1], ["One."])
    path = write("devtest/deu_Latn.parquet", b"PAR1")
    with pytest.raises(CorpusError, match=f"{path} is damaged"):
        list(open_corpus("flores-plus", {"path": str(tmp_path)}).segments(DE_EN, Split.TEST))


@pytest.mark.parametrize("kind", ["flores-plus", "huggingface"])
def test_a_name_on_the_hub_needs_a_revision_and_a_network(kind: str) -> None:
    with pytest.raises(CorpusError, match=r"corpus.revision is missing: 'some/thing' is on the Hugging Face hub"):
        open_corpus(kind, {"path": "some/thing"})
    with pytest.raises(CorpusError, match=r"corpus.path is 'some/thing': the data set can't be read"):
        open_corpus(kind, {"path": "some/thing", "revision": "0123456789"})


def test_the_folder_of_a_user_who_is_not_there_is_refused() -> None:
    with pytest.raises(CorpusError, match="'~nobody-of-this-name/x': there is no such file or folder"):
        open_corpus("huggingface", {"path": "~nobody-of-this-name/x"})


def test_a_folder_of_data_files_through_datasets(tmp_path: Path) -> None:
    for split, text in (("train", "Eins."), ("test", "Zwei.")):
        table = pa.table({"translation": [{"de": text, "en": f"{text} en"}, {"de": " ", "en": "gone"}]})
        (tmp_path / "set").mkdir(exist_ok=True)
        pq.write_table(table, tmp_path / "set" / f"{split}-00000-of-00001.parquet")
    corpus = open_corpus("huggingface", {"path": str(tmp_path / "set")})
    assert list(corpus.segments(DE_EN, Split.TRAIN)) == [("Eins.", "Eins. en")]
    assert list(corpus.segments(DE_EN.reverse, Split.TEST)) == [("Zwei. en", "Zwei.")]
    assert "has no split validation, only" in corpus.missing([DE_EN], Split.DEV)[DE_EN]
    assert "has no column of fr" in corpus.missing([Pair("de", "fr")], Split.TRAIN)[Pair("de", "fr")]
    assert corpus.revision == open_corpus("huggingface", {"path": str(tmp_path / "set")}).revision


def test_a_configuration_a_pair(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for pair in ("de-en", "en-fr"):
        (folder / pair).mkdir(parents=True)
        left, right = pair.split("-")
        pq.write_table(pa.table({"source": [left], "target": [right]}), folder / pair / "train.parquet")
    configs = "".join(f"- config_name: {pair}\n  data_files: {pair}/train.parquet\n" for pair in ("de-en", "en-fr"))
    (folder / "README.md").write_text(f"---\nconfigs:\n{configs}---\n")
    corpus = open_corpus("huggingface", {"path": str(folder), "config": "{source}-{target}"})
    assert list(corpus.segments(Pair("fr", "en"), Split.TRAIN)) == [("fr", "en")]
    assert "has no configuration of de and fr" in corpus.missing([Pair("de", "fr")], Split.TRAIN)[Pair("de", "fr")]
    with pytest.raises(CorpusError, match=r"corpus.config is 'de-en2', which .* did you mean 'de-en'"):
        open_corpus("huggingface", {"path": str(folder), "config": "de-en2"})


def test_what_was_saved_to_disk(tmp_path: Path) -> None:
    import datasets

    rows = datasets.Dataset.from_dict({"german": ["Eins.", None], "english": ["One.", "x"], "score": [1, 2]})
    datasets.DatasetDict({"train": rows, "heldout": rows}).save_to_disk(str(tmp_path / "saved"))
    options = {"path": str(tmp_path / "saved"), "splits": {"test": "heldout"}}
    corpus = open_corpus("huggingface", {**options, "columns": {"de": "german", "en": "english"}})
    assert list(corpus.segments(DE_EN, Split.TEST)) == [("Eins.", "One.")]
    numbers = open_corpus("huggingface", {**options, "columns": {"de": "german", "en": "score"}})
    with pytest.raises(CorpusError, match=r"saved \(heldout\), row 1: 'score' holds no text but int"):
        list(numbers.segments(DE_EN, Split.TEST))


def test_nothing_of_the_hub_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, dragoman.plugins as plugins\n"
        "for kind in plugins.available('corpora'): plugins.load('corpora', kind)\n"
        "print({'datasets', 'huggingface_hub', 'sacrebleu', 'pandas', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_line_breaks_in_flores_plus_are_counted(tmp_path: Path) -> None:
    flores_plus(tmp_path, "devtest/eng_Latn", [1, 2, 3], ["One.\n", "Two\nlines.", "Th\r\nree."])
    flores_plus(tmp_path, "devtest/deu_Latn", [1, 2, 3], ["Eins.", "Zwei\nZeilen.", "Drei."])
    corpus = open_corpus("flores-plus", {"path": str(tmp_path)})
    assert list(corpus.segments(DE_EN, Split.TEST))[1:] == [("Zwei Zeilen.", "Two lines."), ("Drei.", "Th ree.")]
    assert [corpus.line_breaks(DE_EN, Split.TEST, sentences) for sentences in (None, 2, 1)] == [2, 1, 0]


def test_half_a_character_in_flores_plus_names_file_and_line(write: Write, tmp_path: Path) -> None:
    for code in ("eng_Latn", "deu_Latn"):
        write(f"dev/{code}.jsonl", '{"id": 1, "text": "a"}\n{"id": 2, "text": "\\ud83d"}\n')
    corpus = open_corpus("flores-plus", {"path": str(tmp_path)})
    with pytest.raises(CorpusError, match=r"deu_Latn.jsonl, line 2, holds half a character \(\\ud83d\)"):
        list(corpus.segments(DE_EN, Split.DEV))


def test_line_breaks_and_text_without_utf8_through_datasets(tmp_path: Path) -> None:
    texts = pa.array([b"One\nline.", b"Two\xe2\x80\xa8.", b"\xed\xa0\xbd"])
    english = pa.Array.from_buffers(pa.string(), 3, texts.buffers())  # U+D83D as some programs write it (CESU-8)
    for rows in (2, 3):
        (tmp_path / f"{rows}").mkdir()
        german = ["Eins.", "Zwei.", "Drei."][:rows]
        pq.write_table(pa.table({"de": german, "en": english[:rows]}), tmp_path / f"{rows}" / "test.parquet")
    corpus = open_corpus("huggingface", {"path": f"{tmp_path}/2"})
    assert list(corpus.segments(DE_EN, Split.TEST)) == [("Eins.", "One line."), ("Zwei.", "Two\u2028.")]
    assert corpus.line_breaks(DE_EN, Split.TEST, None) == 1
    with pytest.raises(CorpusError, match=r"\(test\), row 3, is not UTF-8 text: mend the row"):
        list(open_corpus("huggingface", {"path": f"{tmp_path}/3"}).segments(DE_EN, Split.TEST))


def test_half_a_character_through_datasets_names_file_and_line(write: Write, tmp_path: Path) -> None:
    write("data/test.jsonl", '{"de": "Eins.", "en": "One."}\n{"de": "Zwei \\ud83d", "en": "Two."}\n')
    corpus = open_corpus("huggingface", {"path": str(tmp_path / "data")})
    with pytest.raises(CorpusError, match=r"test.jsonl, line 2, holds half a character \(\\ud83d\): mend the line"):
        list(corpus.segments(DE_EN, Split.TEST))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("test.csv", ""),
        ("test.csv", "de,en\n"),
        ("test.jsonl", "\n"),
        ("test.parquet", None),
        ("test.csv", "de,en\na,\n"),
    ],
)
def test_a_data_set_without_a_sentence_is_missing(write: Write, tmp_path: Path, name: str, content: str | None) -> None:
    path = write(f"data/{name}", content or "")
    if content is None:
        pq.write_table(pa.table({"de": pa.array([], pa.string()), "en": pa.array([], pa.string())}), path)
    corpus = open_corpus("huggingface", {"path": str(path.parent)})
    assert corpus.missing([DE_EN], Split.TEST) == {DE_EN: f"{path.parent} (test) has no sentence of de-en"}
