"""Sentences that a model has no room for, counted by cell; and which search found the contamination."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns; what is there was found by the first search, and long sentences were not counted."""
    op.add_column("cell", sa.Column("too_long", sa.Integer(), nullable=True))
    op.add_column("contamination", sa.Column("search", sa.Integer(), nullable=False, server_default="1"))
