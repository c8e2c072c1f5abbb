"""MetricX-24 against its authors' formula, on a tiny random mT5."""

import random
from pathlib import Path

import pytest
from tests.platform.environments import tiny_mt5

from dragoman.metrics.base import MetricError, MetricNeedError
from dragoman.metrics.metricx import MetricX, MetricX24Large, MetricXOptions
from dragoman.metrics.model_metric import SegmentScorer, Triple
from dragoman.pair import Pair
from dragoman.settings import settings

TOLERANCE = 1e-5
PAIR = Pair("en", "de")


def texts(count: int) -> list[str]:
    chosen = random.Random(3)
    words = ["".join(chosen.choices("abcdefghij", k=chosen.randint(1, 8))) for _ in range(80)]
    return [" ".join(chosen.choices(words, k=chosen.choice([1, 3, 9, 30]))) for _ in range(count)]


SOURCES, HYPOTHESES, REFERENCES = (texts(36)[start::3] for start in range(3))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_mt5.write(tmp_path_factory.mktemp("metricx"), [*SOURCES, *HYPOTHESES, *REFERENCES])


def loaded(checkpoint: Path, home: Path, **options: object) -> SegmentScorer:
    chosen = MetricXOptions.model_validate({"checkpoint": str(checkpoint), **options}).model_dump()
    return MetricX.scorer(chosen, home=home, device="cpu")


def triples() -> list[Triple]:
    return [Triple(PAIR, *each) for each in zip(SOURCES, HYPOTHESES, REFERENCES, strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize(("with_references", "tokens"), [(True, "1"), (True, "100000"), (False, "200")])
def test_scores_are_those_of_the_formula(
    checkpoint: Path, tmp_path: Path, with_references: bool, tokens: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = [
        f"source: {s} candidate: {h}" + (f" reference: {r}" if with_references else "") for _, s, h, r in triples()
    ]
    expected = tiny_mt5.by_formula(checkpoint, inputs)
    assert len({round(score, 3) for score in expected}) > 5, "the model must tell texts apart"
    monkeypatch.setenv("DRAGOMAN_METRIC_BATCH_TOKENS", tokens)
    settings.cache_clear()
    scorer = loaded(checkpoint, tmp_path, references=with_references)
    found = [each.value for each in scorer.score(triples())]
    scorer.close()
    assert found == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.slow
def test_a_pickle_is_converted_once_and_scores_the_same(checkpoint: Path, tmp_path: Path) -> None:
    pickled = tiny_mt5.pickled(checkpoint, tmp_path / "pickled")
    scorers = [loaded(place, tmp_path / "home") for place in (checkpoint, pickled)]
    one, other = (scorer.score(triples()) for scorer in scorers)
    for scorer in scorers:
        scorer.close()
    assert one == other
    assert [each.name for each in (tmp_path / "home" / "cache" / "metrics").glob("*/*.safetensors")] == [
        "model.safetensors"
    ]
    assert "hash:" in scorers[1].signature
    assert "precision:float32" in scorers[1].signature


@pytest.mark.slow
def test_what_is_no_checkpoint_is_a_sentence(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(MetricNeedError, match=r"There is no checkpoint .*nowhere"):
        loaded(tmp_path / "nowhere", tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(MetricError, match="is no checkpoint of MetricX"):
        loaded(tmp_path / "other", tmp_path)
    with pytest.raises(MetricNeedError, match=r"GPU.*sees none.*DRAGOMAN_METRIC_GPUS=0"):
        MetricX.scorer(MetricXOptions(checkpoint=str(checkpoint)).model_dump(), home=tmp_path, device="cuda")


def test_languages_that_mt5_has_not_read_are_uncovered() -> None:
    assert MetricX24Large.uncovered(Pair("en", "de")) is None
    reason = MetricX24Large.uncovered(Pair("ay", "de"))
    assert reason is not None
    assert "metricx-24-hybrid-large-v2p6 does not cover ay" in reason
    assert MetricX24Large.worst() == 25.0
