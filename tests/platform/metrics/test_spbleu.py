import io
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import sentencepiece

from dragoman.metrics.base import MetricError
from dragoman.metrics.spbleu import SpBleu, SpBleu101
from dragoman.pair import Pair

PAIR = Pair("en", "th")
REFERENCE = ["ein Haus am See", "zwei Häuser am Fluss", "drei Boote im Hafen"]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """SacreBLEU's cache, empty; and no network."""

    def unreachable(*arguments: Any, **named: Any) -> None:
        raise URLError("no network")

    monkeypatch.setattr("sacrebleu.utils.SACREBLEU_DIR", str(tmp_path))
    monkeypatch.setattr("sacrebleu.tokenizers.tokenizer_spm.SACREBLEU_DIR", str(tmp_path))
    monkeypatch.setattr("dragoman.metrics.spbleu.urlopen", unreachable)
    return tmp_path


def train_tokenizer() -> bytes:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(REFERENCE * 20), model_writer=model, vocab_size=28, minloglevel=2, num_threads=1
    )
    return model.getvalue()


def test_missing_tokeniser_says_where_it_belongs(cache: Path) -> None:
    with pytest.raises(MetricError) as caught:
        SpBleu(PAIR).statistics(REFERENCE, REFERENCE, REFERENCE)
    assert str(cache / "models" / "flores200sacrebleuspm") in str(caught.value)
    assert "no network" in str(caught.value)
    assert not any((cache / "models").iterdir())


@pytest.mark.parametrize(("kind", "file", "signature"), [
    (SpBleu, "flores200sacrebleuspm", "nrefs:1|case:mixed|eff:no|tok:flores200|smooth:exp|version:"),
    (SpBleu101, "sacrebleu_tokenizer_spm.model", "nrefs:1|case:mixed|eff:no|tok:flores101|smooth:exp|version:"),
])  # fmt: skip
def test_cached_tokeniser_serves_every_language(cache: Path, kind: type[SpBleu], file: str, signature: str) -> None:
    (cache / "models").mkdir()
    (cache / "models" / file).write_bytes(train_tokenizer())
    metric = kind(PAIR)
    statistics = metric.statistics(REFERENCE, REFERENCE, REFERENCE)
    assert metric.score(statistics) == pytest.approx(100)
    assert statistics[0, 1] > len(REFERENCE[0].split())
    assert metric.signature.startswith(signature)


def test_tokeniser_is_fetched_once_and_whole(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, float]] = []

    def serve(url: str, timeout: float) -> io.BytesIO:
        asked.append((url, timeout))
        return io.BytesIO(train_tokenizer())

    monkeypatch.setattr("dragoman.metrics.spbleu.urlopen", serve)
    for _ in range(2):
        assert SpBleu(PAIR).score(SpBleu(PAIR).statistics(REFERENCE, REFERENCE, REFERENCE)) == pytest.approx(100)
    assert len(asked) == 1
    assert 0 < asked[0][1] <= 60
    assert [path.name for path in (cache / "models").iterdir()] == ["flores200sacrebleuspm"]


def test_damaged_tokeniser_is_named(cache: Path) -> None:
    (cache / "models").mkdir()
    (cache / "models" / "flores200sacrebleuspm").write_bytes(b"<html>not found</html>")
    with pytest.raises(MetricError, match="delete it"):
        _ = SpBleu(PAIR).signature
