"""Names of the test sets of a grid."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the table; the grids that are there have one test set each, without a name."""
    op.create_table(
        "grid_test_set",
        sa.Column("grid_id", sa.Integer(), nullable=False),
        sa.Column("test_set_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["grid_id"], ["grid.id"], name="grid_test_set_grid_id_fkey"),
        sa.ForeignKeyConstraint(["test_set_id"], ["test_set.id"], name="grid_test_set_test_set_id_fkey"),
        sa.PrimaryKeyConstraint("grid_id", "test_set_id", name="grid_test_set_pkey"),
        sa.UniqueConstraint("grid_id", "name", name="grid_test_set_grid_id_name_key"),
    )
    op.create_index("grid_test_set_test_set_id_idx", "grid_test_set", ["test_set_id"])
