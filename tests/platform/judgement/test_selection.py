"""Sentences worth reading: utilities by hand, whole documents, the same for the same seed."""

import numpy as np
import pytest
from sacrebleu.metrics.chrf import CHRF

from dragoman.judgement.base import JudgementError
from dragoman.judgement.segment_scores import segment_scores
from dragoman.judgement.selection import Method, choose, diversities, variances
from dragoman.judgement.texts import GridTexts
from dragoman.pair import Pair

EN_DE = Pair("en", "de")
SYSTEMS = ["base", "good", "noise"]


def test_variance_by_hand() -> None:
    # of 10, 20 and 30: the mean is 20, and (100 + 0 + 100) / 3
    assert variances(np.array([[10.0, 5], [20, 5], [30, 5]])).tolist() == [pytest.approx(200 / 3), 0]


def test_scores_of_sentences_are_those_of_sacrebleu(texts: GridTexts) -> None:
    own = texts.of(EN_DE)
    found = segment_scores(own, SYSTEMS, "chrf")
    for system in SYSTEMS:
        expected = [
            CHRF().sentence_score(text, [reference]).score
            for text, reference in zip(own.hypotheses[system], own.references, strict=True)
        ]
        assert found[system].tolist() == pytest.approx(expected)


def test_diversity_is_the_distance_of_the_translations_from_each_other(texts: GridTexts) -> None:
    """By sacreBLEU, sentence by sentence, in the order of subset2evaluate's `diversity_chrf`."""
    own = texts.of(EN_DE)
    found = diversities(own, SYSTEMS)
    theirs = []
    for line in range(len(own.sources)):
        outputs = [own.hypotheses[name][line] for name in SYSTEMS]
        alike = [CHRF().sentence_score(one, [other]).score for one in outputs for other in outputs]
        theirs.append(-sum(alike) / len(alike))
        between = (sum(alike) - 300) / 6  # a text is as like itself as can be
        assert found[line] == pytest.approx(100 - between)
    assert np.argsort(found, kind="stable").tolist() == np.argsort(theirs, kind="stable").tolist()


@pytest.mark.parametrize("method", Method)
def test_documents_stay_whole_and_the_choice_is_the_same_again(texts: GridTexts, method: Method) -> None:
    own = texts.of(EN_DE)
    assert [document.lines for document in own.documents] == [(1, 2), (3,), (4, 5, 6)]
    for items in range(1, 8):
        found = choose(own, SYSTEMS, method=method, items=items, metric="chrf", seed=3)
        assert found == choose(own, SYSTEMS, method=method, items=items, metric="chrf", seed=3)
        assert set(found.documents) <= set(own.documents)
        assert len(found.lines) <= items or len(found.documents) == 1
    assert len(found.lines) == 6


def test_the_most_telling_document_comes_first(texts: GridTexts) -> None:
    own = texts.of(EN_DE)
    for method, utilities in (
        (Method.METRIC_VARIANCE, variances(np.stack(list(segment_scores(own, SYSTEMS, "chrf").values())))),
        (Method.DIVERSITY, diversities(own, SYSTEMS)),
    ):
        found = choose(own, SYSTEMS, method=method, items=6, metric="chrf", seed=1)
        means = [np.mean([utilities[line - 1] for line in document.lines]) for document in found.documents]
        assert means == sorted(means, reverse=True) and len(means) == 3
        assert found.utilities == pytest.approx({line: utilities[line - 1] for line in found.lines})


def test_samples_differ_by_seed_and_means_over_them_need_no_warning(texts: GridTexts) -> None:
    own = texts.of(EN_DE)
    found = [choose(own, SYSTEMS, method=Method.RANDOM, items=3, metric=None, seed=seed) for seed in range(8)]
    assert len({each.lines for each in found}) > 1
    assert {each.warning for each in found} == {None}
    assert "means over them are not means of the test set" in str(
        choose(own, SYSTEMS, method=Method.DIVERSITY, items=3, metric=None, seed=1).warning
    )


def test_what_can_not_be_chosen_so(texts: GridTexts) -> None:
    own = texts.of(EN_DE)
    for method in (Method.METRIC_VARIANCE, Method.DIVERSITY):
        with pytest.raises(JudgementError, match="need two systems"):
            choose(own, ["base"], method=method, items=3, metric="chrf", seed=1)
    with pytest.raises(JudgementError, match="base, good, noise of en-de has no ter score"):
        choose(own, SYSTEMS, method=Method.METRIC_VARIANCE, items=3, metric="ter", seed=1)
    with pytest.raises(JudgementError, match="need a metric"):
        choose(own, SYSTEMS, method=Method.METRIC_VARIANCE, items=3, metric=None, seed=1)
