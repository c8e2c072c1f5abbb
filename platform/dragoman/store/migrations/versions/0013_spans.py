"""Errors that metrics mark in the segments of a score."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_KEY = ("model_id", "condition_id", "metric_id", "pair_id", "signature_id")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "score_spans",
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _KEY),
        sa.Column("spans", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(_KEY, [f"score.{name}" for name in _KEY], name="score_spans_score_fkey"),
        sa.PrimaryKeyConstraint(*_KEY, name="score_spans_pkey"),
    )
