"""Human scores, agreement of raters and of metrics, held against values worked out by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dragoman.errors import StoreError
from dragoman.judgement.metrics import metric_agreement
from dragoman.judgement.raters import krippendorff_alpha, rater_agreement
from dragoman.judgement.scores import human_scores
from dragoman.judgement.segment_scores import segment_scores
from dragoman.judgement.texts import GridTexts
from dragoman.metrics.meta_evaluation import one_sided_p_values, soft_pairwise_accuracy
from dragoman.metrics.serialization import pack
from dragoman.pair import Pair
from dragoman.rating import Protocol, Rating, Severity, Span
from dragoman.store.judgement_records import JudgementRecord
from dragoman.store.records import StoredScore
from dragoman.store.store import Store

EN_DE, EN_AR = Pair("en", "de"), Pair("en", "ar")
Judge = Callable[..., Any]


def error(start: int, end: int, severity: Severity = Severity.MINOR, category: str | None = None) -> Span:
    return Span(start=start, end=end, severity=severity, category=category)


def test_scores_are_means_over_sentences_of_means_over_raters(texts: GridTexts, judge: Judge) -> None:
    for line, score in ((1, 80), (2, 60)):
        judge("good", line, "ann", score)
    judge("good", 1, "bob", 90)
    judge("base", 1, "ann", 40, [error(0, 3), error(4, 6, Severity.MAJOR)])
    judge("base", 2, "ann", 20, [error(0, 3)])
    found = human_scores(texts)
    good, base = found.scores
    assert (good.system, good.score, good.sentences, good.judgements, good.raters) == ("good", (85 + 60) / 2, 2, 3, 2)
    assert (base.score, base.major, base.minor) == (30, 0.5, 1.0)
    # ann's mean is 50 and her standard deviation √500; of bob's one value nothing is to be said, which counts as 0
    unit = 500**0.5
    assert base.z == pytest.approx(((40 - 50) / unit + (20 - 50) / unit) / 2)
    assert good.z == pytest.approx(((30 / unit + 0) / 2 + 10 / unit) / 2)
    # of two sentences every resample has the mean of one, or of both
    assert (good.low, good.high) == (60, 85) and (base.low, base.high) == (20, 40)
    assert found.notes == ()


def test_an_interval_is_that_of_all_resamples(texts: GridTexts, judge: Judge) -> None:
    values = [10, 20, 40, 50, 70, 100]
    for line, value in enumerate(values, 1):
        judge("base", line, score=value)
    (found,) = human_scores(texts, samples=20_000).scores
    rng = np.random.default_rng(0)
    means = np.sort(rng.choice(values, (50_000, 6)).mean(axis=1))
    assert (found.low, found.high) == pytest.approx((means[1250], means[-1250]), abs=1.5)


def test_mqm_and_esa_are_never_mixed_and_pairs_are_averaged(texts: GridTexts, judge: Judge) -> None:
    for system, value in (("base", 50), ("good", 90)):
        judge(system, 1, score=value)
        judge(system, 1, score=value + 10, pair=EN_AR)
        judge(system, 1, protocol=Protocol.MQM, spans=[error(0, 2, Severity.MAJOR)] if system == "base" else [])
    found = {(each.protocol, each.pair, each.system): each.score for each in human_scores(texts).scores}
    assert found == {
        (Protocol.ESA, EN_DE, "base"): 50, (Protocol.ESA, EN_DE, "good"): 90,
        (Protocol.ESA, EN_AR, "base"): 60, (Protocol.ESA, EN_AR, "good"): 100,
        (Protocol.ESA, None, "base"): 55, (Protocol.ESA, None, "good"): 95,
        (Protocol.MQM, EN_DE, "base"): -5, (Protocol.MQM, EN_DE, "good"): 0,
    }  # fmt: skip
    assert [each.score for each in human_scores(texts, [EN_AR]).scores] == [100, 60]


def test_sentences_that_were_not_judged_of_all_are_told(texts: GridTexts, judge: Judge) -> None:
    judge("good", 1, score=50)
    judge("base", 2, score=50)
    assert "2 of 2 sentences of en-de (esa) were not judged of every system" in " ".join(human_scores(texts).notes)


def test_judgements_of_another_text_are_left_out(store: Store, texts: GridTexts, judge: Judge) -> None:
    judge("good", 1, score=50)
    judge("good", 2, score=90)
    cell = texts.of(EN_DE).cells["good"]
    lines = [
        ("Neu." if number == 0 else line.text, "stop", 1)
        for number, line in enumerate(store.blobs.translation(str(cell.hypotheses)))
    ]
    address = store.blobs.put_translation(lines)
    with store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE cell SET hypotheses = ? WHERE identity = ?", (address, cell.cell.id))
    found = human_scores(GridTexts(store, "g"))
    assert [(each.score, each.sentences) for each in found.scores] == [(90, 1)]
    assert "1 judgements of en-de are left out" in " ".join(found.notes)


def test_agreement_of_two_raters_by_hand(texts: GridTexts, judge: Judge) -> None:
    # the values of each, of four translations that both judged, and one that only one did
    for line, (ann, bob) in enumerate([(10, 20), (20, 20), (30, 50), (60, 50)], 1):
        judge("base", line, "ann", ann, [error(0, 4)] if line == 1 else [error(0, 2)] if line == 2 else [])
        judge("base", line, "bob", bob, [error(2, 6)] if line == 1 else [])
    judge("base", 5, "ann", 0)
    whole, pair = rater_agreement(texts)
    assert (whole.first, whole.translations, pair.first, pair.second, pair.translations) == ("all", 4, "ann", "bob", 4)
    # within: (10-20)² + (20-20)² + (30-50)² + (60-50)² = 600 over 4 units; between all 28 pairs of the 8 values
    values = [10, 20, 20, 20, 30, 50, 60, 50]
    within = 600 / 4
    between = sum((a - b) ** 2 for n, a in enumerate(values) for b in values[n + 1 :]) / 28
    assert pair.alpha == pytest.approx(1 - within / between)
    assert whole.alpha == pair.alpha
    # by scipy-free arithmetic: deviations of 30 and of 35
    ann, bob = np.array([10, 20, 30, 60.0]) - 30, np.array([20, 20, 50, 50.0]) - 35
    assert pair.pearson == pytest.approx((ann @ bob) / np.sqrt((ann @ ann) * (bob @ bob)))
    # concordant: 1-3, 1-4, 2-3, 2-4; tied by bob: 1-2, 3-4
    assert pair.kendall == pytest.approx(4 / np.sqrt(6 * 4))
    # marked: 4 and 4 characters of line 1, of which 2 are the same, and 2 of line 2
    assert pair.spans == whole.spans == pytest.approx(2 * 2 / (4 + 4 + 2))


def test_alpha_of_krippendorff_s_own_example() -> None:
    """Interval data with missing values of 4 observers: 0.849 (Krippendorff, 2011, "Computing Krippendorff's
    Alpha-Reliability", https://repository.upenn.edu/asc_papers/43, part E)."""

    nan = None
    observers = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, nan, nan, nan],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, nan, 3],
        [nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, nan],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, nan],
    ]
    raters = {
        str(number): {
            ("s", unit): JudgementRecord(
                cell="c", line=unit, content="t", rating=Rating(rater="r", protocol=Protocol.ESA, score=value)
            )
            for unit, value in enumerate(values, 1)
            if value is not None
        }
        for number, values in enumerate(observers)
    }
    keys = [("s", unit) for unit in range(1, 13)]
    assert krippendorff_alpha(raters, keys) == pytest.approx(0.849, abs=0.0005)


def test_raters_who_say_the_same_of_everything(texts: GridTexts, judge: Judge) -> None:
    for line in (1, 2):
        judge("base", line, "ann", 50)
        judge("base", line, "bob", 50)
    whole, pair = rater_agreement(texts)
    assert (whole.alpha, pair.alpha, pair.pearson, pair.kendall, pair.spans) == (None, None, None, None, None)


def test_no_agreement_without_shared_translations(texts: GridTexts, judge: Judge) -> None:
    judge("base", 1, "ann", 50)
    judge("good", 1, "bob", 50)
    assert rater_agreement(texts) == []


def plant(store: Store, texts: GridTexts, judge: Judge) -> None:
    """Judgements that follow chrF with a little noise, and a metric that is nothing but noise."""
    rng = np.random.default_rng(7)

    own = texts.of(EN_DE)
    for system, scores in segment_scores(own, list(own.cells), "chrf").items():
        for line, score in enumerate(scores.tolist(), 1):
            judge(system, line, score=float(np.clip(score + rng.normal(scale=2), 0, 100)))
        cell = own.cells[system].cell.id
        edits = rng.integers(0, 10, 6).astype(float)
        rows = np.stack([edits, np.full(6, 10.0)], axis=1)  # TER's statistics
        store.cells.add_scores(cell, [StoredScore(metric="ter", signature="TER|noise", value=1, statistics=pack(rows))])
    store.grids.add_metric("g", "ter")


def test_planted_noise_ranks_last(store: Store, texts: GridTexts, judge: Judge) -> None:
    plant(store, texts, judge)
    found = metric_agreement(texts).metrics
    *metrics, noise = found
    assert {each.metric for each in metrics} == {"bleu", "chrf"} and noise.metric == "ter"
    for measure in ("soft_accuracy", "tie_accuracy", "kendall", "pearson"):
        assert getattr(noise, measure) < min(getattr(each, measure) for each in metrics) - 0.2, measure
    chrf = next(each for each in metrics if each.metric == "chrf")
    assert chrf.soft_accuracy > 0.97 and chrf.tie_accuracy > 0.9 and (chrf.pearson or 0) > 0.95
    assert (chrf.systems, chrf.sentences) == (3, 6)


def test_the_figures_are_those_of_the_sentences_values(store: Store, texts: GridTexts, judge: Judge) -> None:

    plant(store, texts, judge)
    own = texts.of(EN_DE)
    people = np.array(
        [
            [
                next(
                    each.rating.value
                    for each in store.judgements.of_cells([own.cells[name].cell.id])
                    if each.line == line
                )
                for line in range(1, 7)
            ]
            for name in own.cells
        ]
    )
    for each in metric_agreement(texts).metrics:
        values = np.stack(list(segment_scores(own, list(own.cells), each.metric).values()))
        values = -values if each.metric == "ter" else values  # an error rate
        assert each.soft_accuracy == soft_pairwise_accuracy(one_sided_p_values(values), one_sided_p_values(people))
        assert each.pearson == pytest.approx(np.corrcoef(values.ravel(), people.ravel())[0, 1])


def test_what_can_not_be_said_is_said(texts: GridTexts, judge: Judge) -> None:
    assert metric_agreement(texts).metrics == ()
    judge("base", 1, score=50)
    found = metric_agreement(texts)
    assert found.metrics == () and "no sentence was judged of two systems" in found.notes[0]
    with pytest.raises(StoreError, match="no scores of 'comet'"):
        metric_agreement(texts, metrics=["comet"])


def test_metrics_on_several_pairs_are_averaged(texts: GridTexts, judge: Judge) -> None:
    for pair in (EN_DE, EN_AR):
        for system, value in (("good", 90), ("base", 60), ("noise", 10)):
            for line in range(1, 7):
                judge(system, line, score=value - line, pair=pair)
    found = metric_agreement(texts, metrics=["chrf"]).metrics
    assert [each.pair for each in found] == [EN_AR, EN_DE, None]
    assert found[2].soft_accuracy == pytest.approx((found[0].soft_accuracy + found[1].soft_accuracy) / 2)
    assert found[2].epsilon is None and found[2].sentences == 12
