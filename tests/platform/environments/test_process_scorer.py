"""Scorers in a process: signatures, spans, and which errors are the user's, the text's or the machine's."""

from pathlib import Path
from typing import Any

import pytest

from dragoman.metrics.base import MetricError, MetricNeedError
from dragoman.metrics.error_span import ErrorSpan
from dragoman.metrics.model_metric import SegmentScore, Triple
from dragoman.metrics.process_scorer import CheckpointOptions, Licence, ProcessScorer, Program
from dragoman.pair import Pair
from dragoman.settings import settings

PROGRAM = Program(str(Path(__file__).parent / "length_worker.py"), None, "packaging")
PAIR = Pair("en", "de")
FREE = Licence("")
TRIPLES = [Triple(PAIR, "one", "eins", "eins"), Triple(PAIR, "two", "zwei!", "zwei")]


def scorer(home: Path, checkpoint: str = "mine", licence: Licence = FREE, **rest: Any) -> ProcessScorer:
    options = CheckpointOptions(checkpoint=checkpoint, **rest.pop("options", {})).model_dump()
    return ProcessScorer(PROGRAM, options, home=home, device="cpu", licence=licence, **rest)


def test_scores_and_spans_come_back_and_the_signature_says_what_they_depend_on(tmp_path: Path) -> None:
    made = scorer(tmp_path, load={"layer": 9})
    assert made.score(TRIPLES) == [
        SegmentScore(0.4, (ErrorSpan(0, 1, "minor", confidence=0.5),)),
        SegmentScore(0.5, (ErrorSpan(0, 1, "minor", confidence=0.5),)),
    ]
    assert made.score([]) == []
    made.close()
    first, rest = made.signature.split("|package:packaging-")
    assert first == "class:Lengths|hash:0123456789abcdef"
    assert rest.split("|", 1)[1] == "precision:float32|batching:within-1e-5|references:yes|layer:9"


def test_a_gated_checkpoint_is_fetched_only_if_asked_for_and_its_licence_is_in_the_signature(tmp_path: Path) -> None:
    licence = Licence("CC-BY-NC-SA-4.0", gated=True)
    with pytest.raises(MetricNeedError, match=r"under CC-BY-NC-SA-4.0 and gated.*`accept_licence: true`"):
        scorer(tmp_path, "gated", licence)
    made = scorer(tmp_path, "gated", licence, options={"accept_licence": True}, with_references=False)
    made.close()
    assert made.signature.endswith("references:no|licence:CC-BY-NC-SA-4.0 (gated)")


def test_what_is_no_checkpoint_and_a_text_that_is_refused_are_errors_of_the_metric(tmp_path: Path) -> None:
    with pytest.raises(MetricError, match="wrong is no checkpoint") as caught:
        scorer(tmp_path, "wrong")
    assert not isinstance(caught.value, MetricNeedError)
    made = scorer(tmp_path)
    with pytest.raises(MetricError, match="That reference is refused"):
        made.score([TRIPLES[0]._replace(reference="refused")])
    assert len(made.score(TRIPLES)) == 2
    made.close()


@pytest.mark.parametrize(
    ("checkpoint", "said"), [("mortal", "SIGKILL|ran out of memory"), ("greedy", "ran out of memory")]
)
def test_a_death_and_a_lack_of_memory_are_needs(checkpoint: str, said: str, tmp_path: Path) -> None:
    made = scorer(tmp_path, checkpoint)
    with pytest.raises(MetricNeedError, match=said):
        made.score(TRIPLES)
    made.close()


def test_languages_of_a_known_encoder_are_checked_whatever_the_checkpoint(tmp_path: Path) -> None:
    made = scorer(tmp_path, "xlm-roberta-large")
    with pytest.raises(MetricError, match="does not cover ay: its encoder, XLM-R"):
        made.score([TRIPLES[0]._replace(pair=Pair("en", "ay"))])
    made.close()


def test_a_missing_environment_is_a_need_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRAGOMAN_BUILD_ENVIRONMENTS", "false")
    settings.cache_clear()
    options = CheckpointOptions(checkpoint="mine").model_dump()
    with pytest.raises(MetricNeedError, match=r"The environment comet is not installed .*dragoman env install comet"):
        ProcessScorer(PROGRAM._replace(environment="comet"), options, home=tmp_path, device="cpu", licence=FREE)
    settings.cache_clear()
