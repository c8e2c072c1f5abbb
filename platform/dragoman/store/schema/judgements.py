"""Human judgements: campaigns given to raters, ratings of single translations, and the errors marked in them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Double, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dragoman.rating import Protocol, Severity, Side
from dragoman.store.schema.base import Base, UtcDateTime
from dragoman.store.schema.evaluation import CellRow
from dragoman.store.schema.lineage import one_of


class JudgementCampaignRow(Base):
    """A campaign that was written for raters, with the key to its blinded systems."""

    __tablename__ = "judgement_campaign"
    __table_args__ = (one_of("protocol", Protocol),)

    id: Mapped[str] = mapped_column(primary_key=True)
    """Its name in the files: the grid, the pair, and a hash of the rest."""
    protocol: Mapped[str] = mapped_column(String)
    """What raters are asked for."""
    chosen_by: Mapped[str]
    """How its sentences were chosen."""
    systems: Mapped[dict[str, Any]] = mapped_column(JSON)
    """The cell and the translations behind each name that raters see."""
    lines: Mapped[list[int]] = mapped_column(JSON)
    """Its test lines, from 1."""
    created: Mapped[datetime] = mapped_column(UtcDateTime)
    """When it was written first (UTC)."""


class JudgementRow(Base):
    """One rater's judgement of one translated line."""

    __tablename__ = "judgement"
    __table_args__ = (
        one_of("protocol", Protocol),
        UniqueConstraint("cell", "line", "rater", "protocol"),
        CheckConstraint("line > 0", name="line"),
        CheckConstraint("score BETWEEN 0 AND 100", name="score"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    """Number of the judgement."""
    cell: Mapped[str] = mapped_column(ForeignKey(CellRow.identity))
    """The cell whose translation was judged (`cell.identity`)."""
    line: Mapped[int]
    """The test line, from 1."""
    content: Mapped[str]
    """Hash of the translated line: a judgement holds for that text alone."""
    rater: Mapped[str]
    """Who judged."""
    protocol: Mapped[str] = mapped_column(String)
    """What was asked for."""
    score: Mapped[float | None] = mapped_column(Double)
    """The score given, from 0 to 100; NULL where none was asked for."""
    seconds: Mapped[float | None] = mapped_column(Double)
    """How long it took; NULL where that is unknown."""
    rated: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When (UTC); NULL where that is unknown."""
    campaign: Mapped[str | None] = mapped_column(ForeignKey(JudgementCampaignRow.id))
    """The campaign it is of; NULL for one from elsewhere."""


class JudgementSpanRow(Base):
    """An error that a rater marked."""

    __tablename__ = "judgement_span"
    __table_args__ = (
        one_of("side", Side),
        one_of("severity", Severity),
        CheckConstraint("begins >= 0 AND ends > begins", name="place"),
    )

    judgement_id: Mapped[int] = mapped_column(ForeignKey(JudgementRow.id), primary_key=True, autoincrement=False)
    """The judgement."""
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Its place among the errors of the judgement, from 0."""
    side: Mapped[str] = mapped_column(String)
    """The text it is marked in."""
    begins: Mapped[int | None]
    """Its first character, from 0, in code points; NULL for something missing."""
    ends: Mapped[int | None]
    """The character after its last; NULL for something missing."""
    severity: Mapped[str | None] = mapped_column(String)
    """How bad it is; NULL where the rater has not decided."""
    category: Mapped[str | None]
    """Its category, with subcategories after a slash."""
