"""How far finetunings are; and the tags, notes, former names and archiving of grids."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Create the tables and columns."""
    op.create_table(
        "training_report",
        sa.Column("model_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=True),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("first_step", sa.Integer(), nullable=False),
        sa.Column("loss", sa.Double(), nullable=True),
        sa.Column("tokens_per_second", sa.Double(), nullable=True),
        sa.Column("seconds_left", sa.Double(), nullable=True),
        sa.Column("losses", sa.JSON(), nullable=False),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("reported", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name="training_report_model_id_fkey"),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="training_report_job_id_fkey", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("model_id", name="training_report_pkey"),
    )
    op.create_index("training_report_job_id_idx", "training_report", ["job_id"])
    op.create_table(
        "grid_tag",
        sa.Column("grid_id", sa.Integer(), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["grid_id"], ["grid.id"], name="grid_tag_grid_id_fkey"),
        sa.PrimaryKeyConstraint("grid_id", "tag", name="grid_tag_pkey"),
    )
    op.create_table(
        "former_name",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("grid_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["grid_id"], ["grid.id"], name="former_name_grid_id_fkey"),
        sa.PrimaryKeyConstraint("name", name="former_name_pkey"),
    )
    op.create_index("former_name_grid_id_idx", "former_name", ["grid_id"])
    op.add_column("grid", sa.Column("archived", sa.DateTime(timezone=True), nullable=True))
    op.add_column("grid", sa.Column("notes", sa.String(), nullable=True))
