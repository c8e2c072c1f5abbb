"""A second judgement of a sample: how often a judge says the same again, computed by hand."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import kendalltau, pearsonr
from tests.jobs.judges.conftest import JudgeServer
from tests.jobs.local_driver import plan_of

from dragoman.metrics.error_span import ErrorSpan
from dragoman.metrics.model_metric import SegmentScore
from dragoman.settings import Settings
from dragoman.settings import settings as settings_in_use
from dragoman_jobs.judges.consistency import Twice, consistency
from dragoman_jobs.testing import EchoEngine, run_plan

NAN = float("nan")


def test_every_measure_by_hand() -> None:
    span = ErrorSpan(0, 4, "minor")
    first = [SegmentScore(10, (span,)), SegmentScore(20), SegmentScore(30), SegmentScore(NAN), SegmentScore(50)]
    second = [
        SegmentScore(10, (ErrorSpan(2, 6, "major"),)),
        SegmentScore(25),
        SegmentScore(20),
        SegmentScore(1, (span,)),
    ]
    second.append(SegmentScore(50))
    found = {each.measure: each for each in consistency(Twice(first, second), seed=1)}
    own, other = [10, 20, 30, 50], [10, 25, 20, 50]
    assert {name: each.estimate for name, each in found.items()} == {
        "readable_twice": 0.8, "equal_scores": 0.5, "mean_difference": -1.25, "mean_absolute_difference": 3.75,
        "pearson": pytest.approx(pearsonr(own, other).statistic),
        "kendall": pytest.approx(kendalltau(own, other).statistic), "character_f1": 2 * 2 / 8,
    }  # fmt: skip
    assert found["readable_twice"].n == 5 and found["pearson"].n == 4
    for each in found.values():
        if each.low is not None and each.estimate is not None and each.high is not None:
            assert each.low <= each.estimate <= each.high


def test_the_command_pays_for_the_second_judgement_once(
    server: JudgeServer, tmp_path: Path, settings: Settings, stub: type[EchoEngine], dragoman: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    server.reply = lambda asked: (
        "80" if asked["seed"] == 1 else str(70 + 10 * ("German" in asked["messages"][0]["content"]))
    )
    judge = {"metric": "gemba-da", "name": "one", "model": "judge-1"}
    evaluation = {"sentences": 4, "metrics": ["bleu", judge], "engine": "transformers"}
    run_plan(plan_of(tmp_path, models=[], evaluation=evaluation), settings)
    monkeypatch.setenv("DRAGOMAN_HOME", str(settings.home))
    settings_in_use.cache_clear()
    paid = len(server.requests)
    for _ in range(2):
        outcome = dragoman("judge-consistency", "grid", "--metric", "gemba-da:one", "--sample", "10", "--json")
        assert outcome.code == 0, outcome.err
        rows = {row["measure"]: row for row in json.loads(outcome.out)["consistency"]}
        assert rows["readable_twice"]["estimate"] == 1 and rows["equal_scores"]["n"] == 10
        assert len(server.requests) == paid + 10
    again = [each["messages"][0]["content"] for each in server.requests[paid:]]
    same = sum("German" in each for each in again) / 10
    assert rows["equal_scores"]["estimate"] == pytest.approx(same)
    assert rows["mean_absolute_difference"]["estimate"] == pytest.approx(10 * (1 - same))
    refused = dragoman("judge-consistency", "grid", "--metric", "bleu")
    assert refused.code == 2 and "bleu is no judge" in refused.err
