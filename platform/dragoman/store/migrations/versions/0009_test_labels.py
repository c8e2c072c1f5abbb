"""Labels of test lines: domain, document, original language and others."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Create the table; of texts already stored nothing is known until their grid is run again."""
    op.create_table(
        "test_labels",
        sa.Column("test_set_id", sa.Integer(), nullable=False),
        sa.Column("pair_id", sa.Integer(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("of_lines", sa.LargeBinary(), nullable=False),
        sa.Column("updated", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["test_set_id", "pair_id", "edition"],
            ["test.test_set_id", "test.pair_id", "test.edition"],
            name="test_labels_test_set_id_pair_id_edition_fkey",
        ),
        sa.PrimaryKeyConstraint("test_set_id", "pair_id", "edition", "name", name="test_labels_pkey"),
    )
