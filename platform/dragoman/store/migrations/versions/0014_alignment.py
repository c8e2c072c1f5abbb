"""What is measured inside models: alignment of languages by layer, and the likelihood of references."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "alignment",
        sa.Column("identity", sa.String(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("pair_id", sa.Integer(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("layer", sa.Integer(), nullable=False),
        sa.Column("pooling", sa.String(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("retrieval", sa.Double(), nullable=False),
        sa.Column("retrieval_centred", sa.Double(), nullable=False),
        sa.Column("retrieval_chance", sa.Double(), nullable=False),
        sa.Column("xsim_error", sa.Double(), nullable=False),
        sa.Column("xsim_error_centred", sa.Double(), nullable=False),
        sa.Column("cka", sa.Double(), nullable=True),
        sa.Column("cka_chance", sa.Double(), nullable=True),
        sa.Column("cka_unbiased", sa.Double(), nullable=True),
        sa.Column("mutual_knn", sa.Double(), nullable=False),
        sa.Column("mutual_knn_centred", sa.Double(), nullable=False),
        sa.Column("measured", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("lines > 1", name=op.f("alignment_lines_check")),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name="alignment_model_id_fkey"),
        sa.ForeignKeyConstraint(["pair_id"], ["pair.id"], name="alignment_pair_id_fkey"),
        sa.PrimaryKeyConstraint("identity", name="alignment_pkey"),
    )
    op.create_index("alignment_model_id_pair_id_idx", "alignment", ["model_id", "pair_id"])
    op.create_index("alignment_pair_id_idx", "alignment", ["pair_id"])
    op.create_table(
        "likelihood",
        sa.Column("identity", sa.String(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("pair_id", sa.Integer(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("prompt", sa.String(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.Column("log_probability", sa.Double(), nullable=False),
        sa.Column("of_lines", sa.LargeBinary(), nullable=False),
        sa.Column("measured", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("tokens >= 0 AND lines > 0", name=op.f("likelihood_counts_check")),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name="likelihood_model_id_fkey"),
        sa.ForeignKeyConstraint(["pair_id"], ["pair.id"], name="likelihood_pair_id_fkey"),
        sa.PrimaryKeyConstraint("identity", name="likelihood_pkey"),
    )
    op.create_index("likelihood_model_id_pair_id_idx", "likelihood", ["model_id", "pair_id"])
    op.create_index("likelihood_pair_id_idx", "likelihood", ["pair_id"])
