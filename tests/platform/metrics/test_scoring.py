import math

import pytest

from dragoman.cell import Unscorable
from dragoman.metrics.base import MetricError
from dragoman.metrics.scoring import ScoreRecord, score
from dragoman.pair import Pair
from dragoman.plugins import UnknownPluginError, available

REFERENCES = ["Die Bibliothek öffnet jeden Tag um neun Uhr.", "Der Zug fährt heute nicht.", "Es regnet seit gestern."]
HYPOTHESES = ["Die Bibliothek öffnet jeden Tag um zehn Uhr.", "Der Zug fährt heute nicht.", "Gestern regnete es."]
SOURCES = [
    "The library opens at nine every day.",
    "The train is not running today.",
    "It's been raining since yesterday.",
]


def test_every_metric_scores_in_the_order_asked_for() -> None:
    names = ["chrf++", "off_target", "bleu", "ter", "chrf"]
    records = score(names, Pair("en", "de"), ["en", "de", "fr"], SOURCES, HYPOTHESES, REFERENCES)
    assert [record.metric for record in records] == names
    for record in records:
        assert isinstance(record, ScoreRecord)
        assert len(record.statistics) == 3
        assert math.isfinite(record.value)
        assert record.low <= record.value <= record.high
        assert record.signature
    assert records[2].details == {"length_ratio": pytest.approx(19 / 20)}


def test_what_one_metric_cannot_do_leaves_the_others_alone() -> None:
    pair, lines = Pair("en", "zh-Hans"), ["图书馆每天早上九点开门。"]
    ter, chrf, off_target = score(["ter", "chrf++", "off_target"], pair, ["zh-Hant"], lines, lines, lines)
    assert isinstance(ter, Unscorable)
    assert "use chrf++" in ter.reason
    assert isinstance(chrf, ScoreRecord)
    assert chrf.value == pytest.approx(100)
    assert isinstance(off_target, Unscorable)
    assert off_target.metric == "off_target"


def test_mistakes_of_the_caller_are_no_unscorables() -> None:
    with pytest.raises(MetricError, match="3 sources, 2 hypotheses and 3 references"):
        score(["bleu"], Pair("en", "de"), [], SOURCES, HYPOTHESES[:2], REFERENCES)
    with pytest.raises(UnknownPluginError, match="did you mean 'bleu'"):
        score(["blue"], Pair("en", "de"), [], SOURCES, HYPOTHESES, REFERENCES)


def test_names_are_the_plugins_names() -> None:
    for name, entry in available("metrics").items():
        assert entry.load().name == name
