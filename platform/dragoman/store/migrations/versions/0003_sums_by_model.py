"""The sums of one model lie together, so that its means are read without touching those of the others."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_KEY = ["grid_id", "metric_id", "condition_id", "model_id", "signature_id", "target", "partition_id"]


def upgrade() -> None:
    """Order the key anew; SQLite keeps the rows in the key's order, so there the table is written again."""
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint("score_sum_pkey", "score_sum")
        op.create_primary_key("score_sum_pkey", "score_sum", _KEY)
        return
    op.create_table(
        "score_sum_by_model",
        sa.Column("grid_id", sa.Integer(), nullable=False),
        sa.Column("metric_id", sa.Integer(), nullable=False),
        sa.Column("condition_id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("signature_id", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("partition_id", sa.SmallInteger(), nullable=False),
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
        sa.PrimaryKeyConstraint(*_KEY, name="score_sum_pkey"),
        sqlite_with_rowid=False,
    )
    columns = ", ".join([*_KEY, "scores", "total"])
    op.execute(f"INSERT INTO score_sum_by_model ({columns}) SELECT {columns} FROM score_sum")  # noqa: S608
    op.drop_table("score_sum")
    op.rename_table("score_sum_by_model", "score_sum")
