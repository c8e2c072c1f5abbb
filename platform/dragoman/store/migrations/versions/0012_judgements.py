"""Human judgements: campaigns, ratings, and the errors marked in translations."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_PROTOCOLS = "protocol = 'da' OR protocol = 'esa' OR protocol = 'mqm'"
_SEVERITIES = "severity = 'neutral' OR severity = 'minor' OR severity = 'major' OR severity = 'critical'"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "judgement_campaign",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("protocol", sa.String(), nullable=False),
        sa.Column("chosen_by", sa.String(), nullable=False),
        sa.Column("systems", sa.JSON(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(_PROTOCOLS, name=op.f("judgement_campaign_protocol_check")),
        sa.PrimaryKeyConstraint("id", name="judgement_campaign_pkey"),
    )
    op.create_table(
        "judgement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cell", sa.String(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("rater", sa.String(), nullable=False),
        sa.Column("protocol", sa.String(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("rated", sa.DateTime(timezone=True), nullable=True),
        sa.Column("campaign", sa.String(), nullable=True),
        sa.CheckConstraint(_PROTOCOLS, name=op.f("judgement_protocol_check")),
        sa.CheckConstraint("line > 0", name=op.f("judgement_line_check")),
        sa.CheckConstraint("score BETWEEN 0 AND 100", name=op.f("judgement_score_check")),
        sa.ForeignKeyConstraint(["cell"], ["cell.identity"], name="judgement_cell_fkey"),
        sa.ForeignKeyConstraint(["campaign"], ["judgement_campaign.id"], name="judgement_campaign_fkey"),
        sa.PrimaryKeyConstraint("id", name="judgement_pkey"),
        sa.UniqueConstraint("cell", "line", "rater", "protocol", name="judgement_cell_line_rater_protocol_key"),
    )
    op.create_table(
        "judgement_span",
        sa.Column("judgement_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("begins", sa.Integer(), nullable=True),
        sa.Column("ends", sa.Integer(), nullable=True),
        sa.Column("severity", sa.String(), nullable=True),
        sa.Column("category", sa.String(), nullable=True),
        sa.CheckConstraint("side = 'source' OR side = 'target'", name=op.f("judgement_span_side_check")),
        sa.CheckConstraint(_SEVERITIES, name=op.f("judgement_span_severity_check")),
        sa.CheckConstraint("begins >= 0 AND ends > begins", name=op.f("judgement_span_place_check")),
        sa.ForeignKeyConstraint(["judgement_id"], ["judgement.id"], name="judgement_span_judgement_id_fkey"),
        sa.PrimaryKeyConstraint("judgement_id", "number", name="judgement_span_pkey"),
    )
