"""Queries of the results store: systems, partition tables, comparisons, rankings and their significance tests."""

from typing import TYPE_CHECKING

from dragoman.exports import lazy_exports

if TYPE_CHECKING:
    from dragoman.analysis.campaigns import campaign_of
    from dragoman.analysis.comparison import Comparison, ScopeDifference, compare
    from dragoman.analysis.dataframes import frame
    from dragoman.analysis.dimensions import Dimension
    from dragoman.analysis.pair_differences import PairDifference, differing_pairs
    from dragoman.analysis.pair_scores import PairScore, pair_scores
    from dragoman.analysis.partition_gap import Gap, partition_gap
    from dragoman.analysis.partition_table import PartitionRow, partition_table
    from dragoman.analysis.ranking import BestModel, best_models
    from dragoman.analysis.ranking_records import PartitionShare, RankedSystem, Ranking, SystemDifference
    from dragoman.analysis.recipe_comparison import RecipeComparison, compare_recipes
    from dragoman.analysis.run_table import Run, runs
    from dragoman.analysis.score_query import Group, Selection, scores
    from dragoman.analysis.score_question import ScoreQuestion
    from dragoman.analysis.seeds import SeedsRow, over_seeds
    from dragoman.analysis.system_ranking import rank
    from dragoman.analysis.systems import System, metric_names, model_names

__all__ = [
    "BestModel",
    "Comparison",
    "Dimension",
    "Gap",
    "Group",
    "PairDifference",
    "PairScore",
    "PartitionRow",
    "PartitionShare",
    "RankedSystem",
    "Ranking",
    "RecipeComparison",
    "Run",
    "ScopeDifference",
    "ScoreQuestion",
    "SeedsRow",
    "Selection",
    "System",
    "SystemDifference",
    "best_models",
    "campaign_of",
    "compare",
    "compare_recipes",
    "differing_pairs",
    "frame",
    "metric_names",
    "model_names",
    "over_seeds",
    "pair_scores",
    "partition_gap",
    "partition_table",
    "rank",
    "runs",
    "scores",
]

_NAMES = {
    "dragoman.analysis.campaigns": ("campaign_of",),
    "dragoman.analysis.comparison": (
        "Comparison",
        "ScopeDifference",
        "compare",
    ),
    "dragoman.analysis.dataframes": ("frame",),
    "dragoman.analysis.dimensions": ("Dimension",),
    "dragoman.analysis.pair_differences": (
        "PairDifference",
        "differing_pairs",
    ),
    "dragoman.analysis.pair_scores": (
        "PairScore",
        "pair_scores",
    ),
    "dragoman.analysis.partition_gap": (
        "Gap",
        "partition_gap",
    ),
    "dragoman.analysis.partition_table": (
        "PartitionRow",
        "partition_table",
    ),
    "dragoman.analysis.ranking": (
        "BestModel",
        "best_models",
    ),
    "dragoman.analysis.ranking_records": (
        "PartitionShare",
        "RankedSystem",
        "Ranking",
        "SystemDifference",
    ),
    "dragoman.analysis.recipe_comparison": (
        "RecipeComparison",
        "compare_recipes",
    ),
    "dragoman.analysis.run_table": (
        "Run",
        "runs",
    ),
    "dragoman.analysis.score_query": (
        "Group",
        "Selection",
        "scores",
    ),
    "dragoman.analysis.score_question": ("ScoreQuestion",),
    "dragoman.analysis.seeds": (
        "SeedsRow",
        "over_seeds",
    ),
    "dragoman.analysis.system_ranking": ("rank",),
    "dragoman.analysis.systems": (
        "System",
        "metric_names",
        "model_names",
    ),
}

__getattr__ = lazy_exports(__name__, _NAMES)
