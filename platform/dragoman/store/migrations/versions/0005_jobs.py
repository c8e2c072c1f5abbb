"""Jobs that are queued on a cluster, that say they are alive, that can be asked to stop, and what they said."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_STATES = "state = 'queued' OR state = 'running' OR state = 'done' OR state = 'failed' OR state = 'stopped'"


def upgrade() -> None:
    """Widen the table of jobs, which SQLite can only do by writing it again, and add that of their lines."""
    if op.get_bind().dialect.name == "sqlite":
        _write_again()
    else:
        op.drop_constraint(op.f("job_job_state_check_check"), "job")  # as the first schema named it
        op.create_check_constraint(op.f("job_state_check"), "job", _STATES)
        op.alter_column("job", "worker", nullable=True)
        for column in _columns():
            op.add_column("job", column)
        op.execute("UPDATE job SET seen = coalesce(ended, started)")
        op.alter_column("job", "seen", nullable=False)
    op.create_table(
        "job_line",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=True),
        sa.CheckConstraint("kind = 'said' OR kind = 'failure'", name=op.f("job_line_kind_check")),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="job_line_job_id_fkey"),
        sa.PrimaryKeyConstraint("job_id", "number", name="job_line_pkey"),
    )


def _columns() -> list[sa.Column[object]]:
    return [
        sa.Column("seen", sa.DateTime(timezone=True), nullable=True),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("submission", sa.String(), nullable=True),
        sa.Column("stop_asked", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stop_asked_by", sa.String(), nullable=True),
        sa.Column("progress", sa.JSON(), nullable=True),
    ]


def _write_again() -> None:
    seen, *others = _columns()
    seen.nullable = False
    op.create_table(
        "job_again",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("grid_id", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("started", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended", sa.DateTime(timezone=True), nullable=True),
        seen,
        *others,
        sa.CheckConstraint(_STATES, name=op.f("job_state_check")),
        sa.ForeignKeyConstraint(["grid_id"], ["grid.id"], name="job_grid_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="job_pkey"),
    )
    op.execute(
        "INSERT INTO job_again (id, grid_id, worker, state, reason, started, ended, seen) "
        "SELECT id, grid_id, worker, state, reason, started, ended, coalesce(ended, started) FROM job"
    )
    op.drop_table("job")
    op.rename_table("job_again", "job")
    op.create_index("job_grid_id_idx", "job", ["grid_id"], unique=False)
