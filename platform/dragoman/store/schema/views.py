"""Views for people who write SQL: what joins would otherwise spell out."""

GRID_CELL = """
SELECT grid.name AS grid, grid_model.name AS model, pair.source, pair.target, partition.name AS partition,
       cell.state, cell.reason, cell.segments, cell.tokens, cell.cut, cell.engine, cell.seconds,
       cell.model_id, cell.condition_id, cell.pair_id, grid.id AS grid_id
FROM grid
JOIN grid_model ON grid_model.grid_id = grid.id
JOIN grid_pair ON grid_pair.grid_id = grid.id
JOIN cell ON cell.model_id = grid_model.model_id AND cell.condition_id = grid_pair.condition_id
    AND cell.pair_id = grid_pair.pair_id
JOIN pair ON pair.id = cell.pair_id
JOIN partition ON partition.id = cell.partition_id
"""

GRID_SCORE = """
SELECT grid.name AS grid, grid_model.name AS model, pair.source, pair.target, partition.name AS partition,
       metric.name AS metric, score.value, score.low, score.high, signature.text AS signature,
       score.model_id, score.condition_id, score.metric_id, score.pair_id, score.signature_id, grid.id AS grid_id
FROM grid
JOIN grid_model ON grid_model.grid_id = grid.id
JOIN grid_pair ON grid_pair.grid_id = grid.id
JOIN score ON score.model_id = grid_model.model_id AND score.condition_id = grid_pair.condition_id
    AND score.pair_id = grid_pair.pair_id
JOIN pair ON pair.id = score.pair_id
JOIN partition ON partition.id = score.partition_id
JOIN metric ON metric.id = score.metric_id
JOIN signature ON signature.id = score.signature_id
"""

VIEWS = {"grid_cell": GRID_CELL, "grid_score": GRID_SCORE}
"""Each view's query, by name."""
