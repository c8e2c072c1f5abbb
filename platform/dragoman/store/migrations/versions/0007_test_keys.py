"""Keys of test lines, and seeds of sampled test sets."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the table and the column; what is known of texts already stored is in their lines."""
    op.create_table(
        "test_keys",
        sa.Column("test_set_id", sa.Integer(), nullable=False),
        sa.Column("pair_id", sa.Integer(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("corpus_rows", sa.LargeBinary(), nullable=True),
        sa.Column("source_hashes", sa.LargeBinary(), nullable=True),
        sa.Column("reference_hashes", sa.LargeBinary(), nullable=True),
        sa.Column("documents", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["test_set_id", "pair_id", "edition"],
            ["test.test_set_id", "test.pair_id", "test.edition"],
            name="test_keys_test_set_id_pair_id_edition_fkey",
        ),
        sa.PrimaryKeyConstraint("test_set_id", "pair_id", "edition", name="test_keys_pkey"),
    )
    op.add_column("test_set", sa.Column("seed", sa.Integer(), nullable=True))
