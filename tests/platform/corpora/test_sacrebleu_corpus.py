from collections.abc import Callable
from pathlib import Path

import pytest
import sacrebleu.utils

from dragoman.corpora.factory import open_corpus
from dragoman.errors import CorpusError
from dragoman.pair import Pair
from dragoman.segment import Split

Write = Callable[[str, str | bytes], Path]

EN_DE = Pair("en", "de")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """sacreBLEU's cache is the test's folder, and no address can be reached."""
    monkeypatch.setattr(sacrebleu.utils, "SACREBLEU_DIR", str(tmp_path))
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("the network was asked"))


def test_a_cached_direction_is_read_with_the_reference_the_set_prefers(write: Write) -> None:
    write("wmt22/wmt22.en-de.src", "One.\nTwo.\n")
    write("wmt22/wmt22.en-de.ref-A", "Eins.\nZwei.\n")
    write("wmt22/wmt22.en-de.ref-B", "Eines.\nZweites.\n")
    write("wmt22/wmt22.en-cs.src", "One.\n")
    write("wmt22/wmt22.en-cs.ref-B", "Jedna.\n")
    write("wmt22/wmt22.en-cs.ref-C", "Jeden.\n")
    write("wmt21_dev/readme", "")
    corpus = open_corpus("sacrebleu", {"test": "wmt22"})
    assert list(corpus.segments(EN_DE, Split.TEST)) == [("One.", "Eins."), ("Two.", "Zwei.")]
    # wmt22 prefers the second Czech reference
    assert list(corpus.segments(Pair("en", "cs"), Split.TEST)) == [("One.", "Jedna.")]
    before = corpus.revision
    write("wmt22/wmt22.en-de.ref-A", "Eins.\nZwo.\n")
    assert before.startswith("wmt22: ") and open_corpus("sacrebleu", {"test": "wmt22"}).revision != before


def test_what_is_not_cached_or_was_no_task_is_missing_and_nothing_is_fetched(write: Write) -> None:
    write("wmt22/wmt22.en-de.src", "One.\n")
    write("wmt22/wmt22.en-de.ref-A", "Eins.\n")
    corpus = open_corpus("sacrebleu", {"test": "wmt22", "dev": "wmt21"})
    pairs = [EN_DE, EN_DE.reverse, Pair("de", "ru")]
    reasons = corpus.missing(pairs, Split.TEST)
    assert list(reasons) == pairs[1:]
    assert "cache lacks it; run 'sacrebleu -t wmt22 -l de-en --echo src' once" in reasons[EN_DE.reverse]
    assert reasons[Pair("de", "ru")] == "wmt22 has no de-ru direction"
    assert "run 'sacrebleu -t wmt21 -l en-de" in corpus.missing(pairs, Split.DEV)[EN_DE]
    assert "corpus.train names none" in corpus.missing(pairs, Split.TRAIN)[EN_DE]
    assert corpus.revision.endswith("wmt21: not cached")


def test_a_set_of_subsets_has_its_own_files(write: Write) -> None:
    write("wmt21/dev/wmt21_dev.en-ha.src", "One.\n")
    write("wmt21/dev/wmt21_dev.en-ha.ref", "Ɗaya.\n")
    corpus = open_corpus("sacrebleu", {"test": "wmt21/dev"})
    assert list(corpus.segments(Pair("en", "ha"), Split.TEST)) == [("One.", "Ɗaya.")]


def test_a_misspelt_set_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        CorpusError, match=r"corpus.test is 'wmt-22', which is no test set of sacreBLEU; did you mean 'wmt22'"
    ):
        open_corpus("sacrebleu", {"test": "wmt-22"})


def test_a_set_without_a_sentence_is_missing(write: Write, tmp_path: Path) -> None:
    write("wmt22/wmt22.en-de.src", "\n")
    write("wmt22/wmt22.en-de.ref-A", "\n")
    reason = f"{tmp_path}/wmt22/wmt22.en-de.src has no sentence of en-de"
    assert open_corpus("sacrebleu", {"test": "wmt22"}).missing([EN_DE], Split.TEST) == {EN_DE: reason}
