"""What training text has of test sets, by model, pair and side."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "contamination",
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("test_set_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("sentences", sa.Integer(), nullable=False),
        sa.Column("exact", sa.Integer(), nullable=False),
        sa.Column("near", sa.Integer(), nullable=False),
        sa.Column("similarity", sa.Double(), nullable=False),
        sa.Column("measured", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("side = 'source' OR side = 'target'", name="contamination_side_check"),
        sa.CheckConstraint("exact + near <= sentences", name="contamination_found_check"),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name="contamination_model_id_fkey"),
        sa.ForeignKeyConstraint(["test_set_id"], ["test_set.id"], name="contamination_test_set_id_fkey"),
        sa.ForeignKeyConstraint(
            ["source", "target"], ["pair.source", "pair.target"], name="contamination_source_target_fkey"
        ),
        sa.PrimaryKeyConstraint("model_id", "test_set_id", "source", "target", "side", name="contamination_pkey"),
    )
