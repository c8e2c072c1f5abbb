"""Cells counted by state, and sums by partition apart from those by target language."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_STATES = (
    "state = 'planned' OR state = 'running' OR state = 'done' OR "
    "state = 'failed' OR state = 'missing' OR state = 'unscorable'"
)
_SCOPE = "grid_id, metric_id, condition_id, model_id, signature_id"


def upgrade() -> None:
    """Count what is there, and split the sums."""
    op.create_table(
        "cell_count",
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("condition_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("cells", sa.Integer(), nullable=False),
        sa.CheckConstraint("cells >= 0", name=op.f("cell_count_cells_check")),
        sa.CheckConstraint(_STATES, name=op.f("cell_count_state_check")),
        sa.ForeignKeyConstraint(["condition_id"], ["condition.id"], name="cell_count_condition_id_fkey"),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name="cell_count_model_id_fkey"),
        sa.PrimaryKeyConstraint("model_id", "condition_id", "state", name="cell_count_pkey"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO cell_count (model_id, condition_id, state, cells) "
        "SELECT model_id, condition_id, state, count(*) FROM cell GROUP BY model_id, condition_id, state"
    )
    _create("partition_sum", sa.Column("partition_id", sa.SmallInteger(), nullable=False), "partition.id")
    op.execute(
        f"INSERT INTO partition_sum ({_SCOPE}, partition_id, scores, total) "  # noqa: S608
        f"SELECT {_SCOPE}, partition_id, sum(scores), sum(total) FROM score_sum GROUP BY {_SCOPE}, partition_id"
    )
    # A key can't be narrowed in place; the old table's names have to be free before the new one takes them.
    op.execute(
        "CREATE TABLE by_target AS SELECT "  # noqa: S608
        f"{_SCOPE}, target, sum(scores) AS scores, sum(total) AS total FROM score_sum GROUP BY {_SCOPE}, target"
    )
    op.drop_table("score_sum")
    _create("score_sum", sa.Column("target", sa.String(), nullable=False), "language.tag")
    columns = f"{_SCOPE}, target, scores, total"
    op.execute(f"INSERT INTO score_sum ({columns}) SELECT {columns} FROM by_target")  # noqa: S608
    op.drop_table("by_target")


def _create(table: str, column: sa.Column[object], refers_to: str) -> None:
    op.create_table(
        table,
        sa.Column("grid_id", sa.Integer(), nullable=False),
        sa.Column("metric_id", sa.Integer(), nullable=False),
        sa.Column("condition_id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("signature_id", sa.Integer(), nullable=False),
        column,
        sa.Column("scores", sa.Integer(), nullable=False),
        sa.Column("total", sa.Double(), nullable=False),
        sa.CheckConstraint("scores > 0", name=op.f(f"{table}_scores_check")),
        sa.ForeignKeyConstraint(["condition_id"], ["condition.id"], name=f"{table}_condition_id_fkey"),
        sa.ForeignKeyConstraint(
            ["grid_id", "model_id"],
            ["grid_model.grid_id", "grid_model.model_id"],
            name=f"{table}_grid_id_model_id_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["signature_id", "metric_id"],
            ["signature.id", "signature.metric_id"],
            name=f"{table}_signature_id_metric_id_fkey",
        ),
        sa.ForeignKeyConstraint([column.name], [refers_to], name=f"{table}_{column.name}_fkey"),
        sa.PrimaryKeyConstraint(*_SCOPE.split(", "), column.name, name=f"{table}_pkey"),
        sqlite_with_rowid=False,
    )
