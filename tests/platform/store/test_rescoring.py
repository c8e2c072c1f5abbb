"""Metrics that a grid asks for and cells of it lack, because another grid had them translated."""

from dragoman.store.maintenance.rescoring import unscored_metrics
from dragoman.store.records import StoredScore


def test_a_metric_is_lacking_until_every_translated_cell_has_a_score_or_a_reason(small):
    first, second = (record.cell for record in small.cells[:2])
    small.commit(first, 40)
    small.commit(second, 50)
    assert unscored_metrics(small.store, "small") == []
    small.store.grids.add_metric("small", "ter")
    assert unscored_metrics(small.store, "small") == ["ter"]
    small.store.cells.add_scores(first.id, [StoredScore(metric="ter", signature="TER|v1", value=30)])
    assert unscored_metrics(small.store, "small") == ["ter"]
    small.store.cells.add_scores(second.id, [], [("ter", "no reason to")])
    assert unscored_metrics(small.store, "small") == []
