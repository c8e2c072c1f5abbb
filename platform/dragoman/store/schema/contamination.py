"""What the training text of models has of test sets."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dragoman.store.schema.base import Base, UtcDateTime
from dragoman.store.schema.evaluation import TestSetRow
from dragoman.store.schema.lineage import ModelRow


class ContaminationRow(Base):
    """Test sentences that are in one side of a pair's training text; zeros where it was looked for and none found."""

    __tablename__ = "contamination"
    __table_args__ = (
        ForeignKeyConstraint(["source", "target"], ["pair.source", "pair.target"]),
        CheckConstraint("side = 'source' OR side = 'target'", name="side"),
        CheckConstraint("exact + near <= sentences", name="found"),
    )

    model_id: Mapped[int] = mapped_column(ForeignKey(ModelRow.id), primary_key=True)
    """The model."""
    test_set_id: Mapped[int] = mapped_column(ForeignKey(TestSetRow.id), primary_key=True)
    """The test set."""
    source: Mapped[str] = mapped_column(primary_key=True)
    """Source language of the training pair."""
    target: Mapped[str] = mapped_column(primary_key=True)
    """Target language of the training pair."""
    side: Mapped[str] = mapped_column(primary_key=True)
    """The side looked at, `source` or `target`: its language's test sentences were looked for."""
    segments: Mapped[int]
    """Training segments looked at."""
    sentences: Mapped[int]
    """Different test sentences in that language."""
    exact: Mapped[int]
    """Those of them that were found but for case, punctuation and spacing."""
    near: Mapped[int]
    """Those that were found only with a few edits."""
    similarity: Mapped[float]
    """How alike two sentences had to be to count as nearly the same, from 0 to 1."""
    search: Mapped[int] = mapped_column(server_default="1")
    """Version of the search; what one below 2 found is a lower bound, since it could miss copies."""
    measured: Mapped[datetime] = mapped_column(UtcDateTime)
    """When (UTC)."""
