"""The first schema: pairs, models, cells, scores and grids.

A migration is frozen: it spells out the tables as they were, and uses nothing of the schema as it is now.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

PARTITIONS = (
    "unknown",
    "seen",
    "reversed",
    "recombined",
    "one_sided",
    "unseen_source",
    "unseen_target",
    "unseen_both",
)

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


def upgrade() -> None:
    """Create the tables, the views and the names of the partitions."""
    op.create_table(
        "decoding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("identity", sa.String(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="decoding_pkey"),
        sa.UniqueConstraint("identity", name="decoding_identity_key"),
    )
    op.create_table(
        "language",
        sa.Column("tag", sa.String(), nullable=False),
        sa.Column("script", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("tag", name="language_pkey"),
    )
    op.create_table(
        "metric",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="metric_pkey"),
        sa.UniqueConstraint("name", name="metric_name_key"),
    )
    op.create_table(
        "model",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("identity", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("base_id", sa.Integer(), nullable=True),
        sa.Column("recipe", sa.JSON(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=True),
        sa.Column("own_evidence", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "evidence = 'recorded' OR evidence = 'declared' OR evidence = 'unknown'", name="model_evidence_check"
        ),
        sa.CheckConstraint(
            "own_evidence = 'recorded' OR own_evidence = 'declared' OR own_evidence = 'unknown'",
            name="model_own_evidence_check",
        ),
        sa.CheckConstraint("parent_id <> id", name="model_parent_check"),
        sa.ForeignKeyConstraint(["base_id"], ["model.id"], name="model_base_id_fkey"),
        sa.ForeignKeyConstraint(["parent_id"], ["model.id"], name="model_parent_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="model_pkey"),
        sa.UniqueConstraint("identity", name="model_identity_key"),
    )
    op.create_index("model_parent_id_idx", "model", ["parent_id"], unique=False)
    op.create_table(
        "partition",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="partition_pkey"),
        sa.UniqueConstraint("name", name="partition_name_key"),
    )
    op.create_table(
        "prompt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("identity", sa.String(), nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="prompt_pkey"),
        sa.UniqueConstraint("identity", name="prompt_identity_key"),
    )
    op.create_table(
        "test_set",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("identity", sa.String(), nullable=False),
        sa.Column("corpus", sa.String(), nullable=False),
        sa.Column("revision", sa.String(), nullable=False),
        sa.Column("split", sa.String(), nullable=False),
        sa.Column("sentences", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="test_set_pkey"),
        sa.UniqueConstraint("identity", name="test_set_identity_key"),
    )
    op.create_table(
        "condition",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("test_set_id", sa.Integer(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("prompt_id", sa.Integer(), nullable=False),
        sa.Column("decoding_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["decoding_id"], ["decoding.id"], name="condition_decoding_id_fkey"),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompt.id"], name="condition_prompt_id_fkey"),
        sa.ForeignKeyConstraint(["test_set_id"], ["test_set.id"], name="condition_test_set_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="condition_pkey"),
        sa.UniqueConstraint(
            "test_set_id",
            "edition",
            "prompt_id",
            "decoding_id",
            name="condition_test_set_id_edition_prompt_id_decoding_id_key",
        ),
    )
    op.create_table(
        "grid",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("spec_hash", sa.String(), nullable=False),
        sa.Column("base_id", sa.Integer(), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("updated", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["base_id"], ["model.id"], name="grid_base_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="grid_pkey"),
        sa.UniqueConstraint("name", name="grid_name_key"),
    )
    op.create_table(
        "pair",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.CheckConstraint("source <> target", name="pair_direction_check"),
        sa.ForeignKeyConstraint(["source"], ["language.tag"], name="pair_source_fkey"),
        sa.ForeignKeyConstraint(["target"], ["language.tag"], name="pair_target_fkey"),
        sa.PrimaryKeyConstraint("id", name="pair_pkey"),
        sa.UniqueConstraint("source", "target", name="pair_source_target_key"),
    )
    op.create_index("pair_target_idx", "pair", ["target"], unique=False)
    op.create_table(
        "signature",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("metric_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["metric_id"], ["metric.id"], name="signature_metric_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="signature_pkey"),
        sa.UniqueConstraint("id", "metric_id", name="signature_id_metric_id_key"),
        sa.UniqueConstraint("metric_id", "text", name="signature_metric_id_text_key"),
    )
    op.create_table(
        "training",
        sa.Column("model_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.Column("recorded", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name="training_model_id_fkey"),
        sa.PrimaryKeyConstraint("model_id", name="training_pkey"),
    )
    op.create_table(
        "cell",
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("condition_id", sa.Integer(), nullable=False),
        sa.Column("pair_id", sa.Integer(), nullable=False),
        sa.Column("partition_id", sa.SmallInteger(), nullable=False),
        sa.Column("identity", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("hypotheses", sa.String(), nullable=True),
        sa.Column("segments", sa.Integer(), nullable=True),
        sa.Column("tokens", sa.Integer(), nullable=True),
        sa.Column("cut", sa.Integer(), nullable=True),
        sa.Column("engine", sa.String(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("updated", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "hypotheses IS NOT NULL OR (state <> 'done' AND state <> 'unscorable')", name="cell_hypotheses_check"
        ),
        sa.CheckConstraint(
            "state = 'done' OR state = 'planned' OR state = 'running' OR reason IS NOT NULL", name="cell_reason_check"
        ),
        sa.CheckConstraint(
            "state = 'planned' OR state = 'running' OR state = 'done' OR "
            "state = 'failed' OR state = 'missing' OR state = 'unscorable'",
            name="cell_state_check",
        ),
        sa.CheckConstraint("partition_id BETWEEN 0 AND 7", name="cell_partition_check"),
        sa.ForeignKeyConstraint(["condition_id"], ["condition.id"], name="cell_condition_id_fkey"),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name="cell_model_id_fkey"),
        sa.ForeignKeyConstraint(["pair_id"], ["pair.id"], name="cell_pair_id_fkey"),
        sa.PrimaryKeyConstraint("model_id", "condition_id", "pair_id", name="cell_pkey"),
        sa.UniqueConstraint("identity", name="cell_identity_key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "grid_metric",
        sa.Column("grid_id", sa.Integer(), nullable=False),
        sa.Column("metric_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["grid_id"], ["grid.id"], name="grid_metric_grid_id_fkey"),
        sa.ForeignKeyConstraint(["metric_id"], ["metric.id"], name="grid_metric_metric_id_fkey"),
        sa.PrimaryKeyConstraint("grid_id", "metric_id", name="grid_metric_pkey"),
    )
    op.create_table(
        "grid_model",
        sa.Column("grid_id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["grid_id"], ["grid.id"], name="grid_model_grid_id_fkey"),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name="grid_model_model_id_fkey"),
        sa.PrimaryKeyConstraint("grid_id", "model_id", name="grid_model_pkey"),
        sa.UniqueConstraint("grid_id", "name", name="grid_model_grid_id_name_key"),
    )
    op.create_index("grid_model_model_id_idx", "grid_model", ["model_id"], unique=False)
    op.create_table(
        "grid_pair",
        sa.Column("grid_id", sa.Integer(), nullable=False),
        sa.Column("condition_id", sa.Integer(), nullable=False),
        sa.Column("pair_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["condition_id"], ["condition.id"], name="grid_pair_condition_id_fkey"),
        sa.ForeignKeyConstraint(["grid_id"], ["grid.id"], name="grid_pair_grid_id_fkey"),
        sa.ForeignKeyConstraint(["pair_id"], ["pair.id"], name="grid_pair_pair_id_fkey"),
        sa.PrimaryKeyConstraint("grid_id", "condition_id", "pair_id", name="grid_pair_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("grid_pair_condition_id_pair_id_idx", "grid_pair", ["condition_id", "pair_id"], unique=False)
    op.create_table(
        "job",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("grid_id", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("started", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state = 'running' OR state = 'done' OR state = 'failed'", name="job_state_check"),
        sa.ForeignKeyConstraint(["grid_id"], ["grid.id"], name="job_grid_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="job_pkey"),
    )
    op.create_index("job_grid_id_idx", "job", ["grid_id"], unique=False)
    op.create_table(
        "test",
        sa.Column("test_set_id", sa.Integer(), nullable=False),
        sa.Column("pair_id", sa.Integer(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("lines", sa.String(), nullable=True),
        sa.Column("segments", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["pair_id"], ["pair.id"], name="test_pair_id_fkey"),
        sa.ForeignKeyConstraint(["test_set_id"], ["test_set.id"], name="test_test_set_id_fkey"),
        sa.PrimaryKeyConstraint("test_set_id", "pair_id", "edition", name="test_pkey"),
        sa.UniqueConstraint("test_set_id", "pair_id", "content", name="test_test_set_id_pair_id_content_key"),
    )
    op.create_table(
        "training_pair",
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("examples", sa.Integer(), nullable=False),
        sa.Column("inherited", sa.Integer(), nullable=False),
        sa.CheckConstraint("examples > 0", name="training_pair_examples_check"),
        sa.CheckConstraint("inherited BETWEEN 0 AND examples", name="training_pair_inherited_check"),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name="training_pair_model_id_fkey"),
        sa.ForeignKeyConstraint(
            ["source", "target"], ["pair.source", "pair.target"], name="training_pair_source_target_fkey"
        ),
        sa.PrimaryKeyConstraint("model_id", "source", "target", name="training_pair_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("training_pair_model_id_target_idx", "training_pair", ["model_id", "target"], unique=False)
    op.create_table(
        "score",
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("condition_id", sa.Integer(), nullable=False),
        sa.Column("metric_id", sa.Integer(), nullable=False),
        sa.Column("pair_id", sa.Integer(), nullable=False),
        sa.Column("signature_id", sa.Integer(), nullable=False),
        sa.Column("partition_id", sa.SmallInteger(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.CheckConstraint("low <= high", name="score_interval_check"),
        sa.ForeignKeyConstraint(
            ["model_id", "condition_id", "pair_id"],
            ["cell.model_id", "cell.condition_id", "cell.pair_id"],
            name="score_model_id_condition_id_pair_id_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["signature_id", "metric_id"],
            ["signature.id", "signature.metric_id"],
            name="score_signature_id_metric_id_fkey",
        ),
        sa.PrimaryKeyConstraint(
            "model_id",
            "condition_id",
            "metric_id",
            "pair_id",
            "signature_id",
            name="score_pkey",
            postgresql_include=["partition_id", "value", "low", "high"],
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "score_sum",
        sa.Column("grid_id", sa.Integer(), nullable=False),
        sa.Column("metric_id", sa.Integer(), nullable=False),
        sa.Column("condition_id", sa.Integer(), nullable=False),
        sa.Column("signature_id", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("partition_id", sa.SmallInteger(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("scores", sa.Integer(), nullable=False),
        sa.Column("total", sa.Double(), nullable=False),
        sa.CheckConstraint("scores > 0", name="score_sum_scores_check"),
        sa.ForeignKeyConstraint(["condition_id"], ["condition.id"], name="score_sum_condition_id_fkey"),
        sa.ForeignKeyConstraint(
            ["grid_id", "model_id"],
            ["grid_model.grid_id", "grid_model.model_id"],
            name="score_sum_grid_id_model_id_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["signature_id", "metric_id"],
            ["signature.id", "signature.metric_id"],
            name="score_sum_signature_id_metric_id_fkey",
        ),
        sa.ForeignKeyConstraint(["target"], ["language.tag"], name="score_sum_target_fkey"),
        sa.PrimaryKeyConstraint(
            "grid_id",
            "metric_id",
            "condition_id",
            "signature_id",
            "target",
            "partition_id",
            "model_id",
            name="score_sum_pkey",
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "unscorable",
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("condition_id", sa.Integer(), nullable=False),
        sa.Column("pair_id", sa.Integer(), nullable=False),
        sa.Column("metric_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["metric_id"], ["metric.id"], name="unscorable_metric_id_fkey"),
        sa.ForeignKeyConstraint(
            ["model_id", "condition_id", "pair_id"],
            ["cell.model_id", "cell.condition_id", "cell.pair_id"],
            name="unscorable_model_id_condition_id_pair_id_fkey",
        ),
        sa.PrimaryKeyConstraint("model_id", "condition_id", "pair_id", "metric_id", name="unscorable_pkey"),
    )
    op.create_table(
        "score_statistics",
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("condition_id", sa.Integer(), nullable=False),
        sa.Column("metric_id", sa.Integer(), nullable=False),
        sa.Column("pair_id", sa.Integer(), nullable=False),
        sa.Column("signature_id", sa.Integer(), nullable=False),
        sa.Column("statistics", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id", "condition_id", "metric_id", "pair_id", "signature_id"],
            ["score.model_id", "score.condition_id", "score.metric_id", "score.pair_id", "score.signature_id"],
            name="score_statistics_score_fkey",
        ),
        sa.PrimaryKeyConstraint(
            "model_id", "condition_id", "metric_id", "pair_id", "signature_id", name="score_statistics_pkey"
        ),
    )
    names = sa.table("partition", sa.column("id", sa.Integer), sa.column("name", sa.String))
    op.bulk_insert(names, [{"id": number, "name": name} for number, name in enumerate(PARTITIONS)])
    op.execute("CREATE VIEW grid_cell AS " + GRID_CELL)
    op.execute("CREATE VIEW grid_score AS " + GRID_SCORE)
