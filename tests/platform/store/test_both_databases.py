"""SQLite and PostgreSQL answer every question alike."""

import pytest

from dragoman.analysis.comparison import compare, scope_differences
from dragoman.analysis.dimensions import Dimension
from dragoman.analysis.pair_differences import differing_pairs, regressions
from dragoman.analysis.pair_scores import pair_scores, unscored
from dragoman.analysis.partition_gap import partition_gap
from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.ranking import best_models
from dragoman.analysis.score_query import scores
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.seeds import over_seeds
from dragoman.analysis.system_ranking import rank
from dragoman.analysis.systems import metric_names, model_names
from dragoman.cell import CellState
from dragoman.metrics.significance import Test
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.store.store import Store

QUESTIONS = {
    "names": lambda store: (model_names(store, "g"), metric_names(store, "g")),
    "pairs": lambda store: pair_scores(store, ScoreQuestion("g", "bleu"), model="m@1"),
    "unscored": lambda store: unscored(store, ScoreQuestion("g", "bleu"), model="m@1"),
    "partitions": lambda store: partition_table(store, ScoreQuestion("g", "bleu"), model="m@1"),
    "micro": lambda store: partition_table(store, ScoreQuestion("g", "bleu", micro=True), model="m@1"),
    "gap": lambda store: partition_gap(store, ScoreQuestion("g", "bleu"), model="m@1", better="seen", worse="unseen"),
    "compare": lambda store: compare(store, ScoreQuestion("g", "bleu"), a="m@1", b="m@2", samples=200),
    "rank": lambda store: rank(store, ScoreQuestion("g", "bleu"), over="unseen", samples=200),
    "scopes": lambda store: scope_differences(store, ScoreQuestion("g", "off_target"), a="base", b="m@1"),
    "regressions": lambda store: regressions(store, ScoreQuestion("g", "bleu"), a="base", b="m@1", limit=3),
    "intervals": lambda store: compare(store, ScoreQuestion("g", "bleu"), a="m@1", b="m@2", test=Test.INTERVALS),
    "differing": lambda store: differing_pairs(store, ScoreQuestion("g", "bleu"), a="m@1", b="m@2"),
    "best": lambda store: best_models(store, ScoreQuestion("g", "bleu")),
    "seeds": lambda store: over_seeds(store, ScoreQuestion("g", "bleu")),
    "groups": lambda store: scores(store, "bleu").by(*Dimension).where(target_script="Latn").against("base").rows(),
    "one group": lambda store: scores(store, "bleu", model="m@1").micro().rows(),
}


@pytest.fixture(scope="module")
def arguments():
    pairs = all_pairs(["ar", "de", "en"])
    graph = TrainingGraph.of([Pair("en", "de"), Pair("ar", "en")])
    return {
        "models": {"base": TrainingGraph(), "m@1": graph, "m@2": graph},
        "pairs": pairs,
        "metrics": ("bleu", "off_target"),
        "quality": {"m@1": 0.7, "m@2": 0.5},
        "seeds": {"m@1": 1, "m@2": 2},
        "segments": {pair: 10 + index for index, pair in enumerate(pairs)},
        "without": {("m@1", pairs[0]): (CellState.FAILED, "out of memory")},
        "unscorable": {("m@1", pairs[1]): ("bleu", "no tokeniser")},
    }


def test_every_question_has_one_answer(campaign, new_postgres, arguments, tmp_path):
    other = Store.open(new_postgres(), f"file://{tmp_path}/blobs")
    campaign.fill(**arguments)
    type(campaign)(other).fill(**arguments)
    for question, ask in QUESTIONS.items():
        assert rounded(ask(other)) == rounded(ask(campaign.store)), question
    other.close()


def rounded(value):
    """Plain data with sums that may be added up in another order cut to nine digits."""
    if hasattr(value, "model_dump"):
        return rounded(value.model_dump(mode="json"))
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return round(value, 9) if isinstance(value, float) else value
