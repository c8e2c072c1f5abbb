"""Test sets, prompts, decodings, cells and their scores.

A condition is everything besides model and pair that a translation depends on; a cell is a model on a pair
under a condition. Scores repeat the cell's key and its partition, in the order in which they are read: one model's
scores of one metric lie side by side.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from dragoman.cell import CellState, DescribedState
from dragoman.store.schema.base import Base, UtcDateTime
from dragoman.store.schema.lineage import PARTITIONS, ModelRow, PairRow, one_of


class TestSetRow(Base):
    """A test set."""

    __tablename__ = "test_set"

    id: Mapped[int] = mapped_column(primary_key=True)
    """Number of the test set."""
    identity: Mapped[str] = mapped_column(unique=True)
    """Its identity: the hash of the rest."""
    corpus: Mapped[str]
    """Kind of corpus."""
    revision: Mapped[str]
    """Revision of the corpus."""
    split: Mapped[str]
    """The split that is read."""
    sentences: Mapped[int | None] = mapped_column(CheckConstraint("sentences > 0", name="sentences"))
    """So many sentences of each pair, the first ones or a sample; NULL is all."""
    seed: Mapped[int | None]
    """Seed of the sample; NULL where the first sentences are meant."""


class TestRow(Base):
    """The text of a test set for one pair."""

    __tablename__ = "test"
    __table_args__ = (UniqueConstraint("test_set_id", "pair_id", "content"),)

    test_set_id: Mapped[int] = mapped_column(ForeignKey(TestSetRow.id), primary_key=True)
    """The test set."""
    pair_id: Mapped[int] = mapped_column(ForeignKey(PairRow.id), primary_key=True)
    """The pair."""
    edition: Mapped[int] = mapped_column(primary_key=True)
    """0; the next number where a corpus changed its text without changing its revision."""
    content: Mapped[str]
    """Hash of the source and reference lines; empty where the corpus has none."""
    lines: Mapped[str | None]
    """Blob of the source and reference lines."""
    segments: Mapped[int | None] = mapped_column(CheckConstraint("segments >= 0", name="segments"))
    """How many there are."""


class TestKeysRow(Base):
    """Keys of the lines of a test text: which sentence of the corpus each is, and of which document.

    They are packed (`dragoman.store.line_keys`). Stores made before they were kept have none for their texts.
    """

    __tablename__ = "test_keys"
    __table_args__ = (
        ForeignKeyConstraint(
            ["test_set_id", "pair_id", "edition"], ["test.test_set_id", "test.pair_id", "test.edition"]
        ),
    )

    test_set_id: Mapped[int] = mapped_column(primary_key=True)
    """The test set."""
    pair_id: Mapped[int] = mapped_column(primary_key=True)
    """The pair."""
    edition: Mapped[int] = mapped_column(primary_key=True)
    """The edition of its text (`test.edition`)."""
    corpus_rows: Mapped[bytes | None]
    """The row of each line in its corpus; NULL where a row is not the same sentence in every pair."""
    source_hashes: Mapped[bytes | None]
    """A hash of each source sentence; NULL where there are rows."""
    reference_hashes: Mapped[bytes | None]
    """A hash of each reference; NULL where there are rows."""
    documents: Mapped[bytes | None]
    """A hash of each line's document; NULL where the corpus names none."""


class TestLabelsRow(Base):
    """One label of the lines of a test text, such as their domain or original language.

    They are packed (`dragoman.store.line_labels`), and part of no identity: the newest take the place of older ones.
    """

    __tablename__ = "test_labels"
    __table_args__ = (
        ForeignKeyConstraint(
            ["test_set_id", "pair_id", "edition"], ["test.test_set_id", "test.pair_id", "test.edition"]
        ),
    )

    test_set_id: Mapped[int] = mapped_column(primary_key=True)
    """The test set."""
    pair_id: Mapped[int] = mapped_column(primary_key=True)
    """The pair."""
    edition: Mapped[int] = mapped_column(primary_key=True)
    """The edition of its text (`test.edition`)."""
    name: Mapped[str] = mapped_column(primary_key=True)
    """The label's name."""
    of_lines: Mapped[bytes]
    """Its value on each line."""
    updated: Mapped[datetime] = mapped_column(UtcDateTime)
    """When it was written (UTC)."""


class PromptRow(Base):
    """A prompt."""

    __tablename__ = "prompt"

    id: Mapped[int] = mapped_column(primary_key=True)
    """Number of the prompt."""
    identity: Mapped[str] = mapped_column(unique=True)
    """Its identity."""
    template: Mapped[str]
    """Its text."""


class DecodingRow(Base):
    """The settings of a decoding."""

    __tablename__ = "decoding"

    id: Mapped[int] = mapped_column(primary_key=True)
    """Number of the decoding."""
    identity: Mapped[str] = mapped_column(unique=True)
    """Its identity."""
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Everything that changes the text."""


class ConditionRow(Base):
    """A test set, prompt and decoding: scores are compared only under the same condition."""

    __tablename__ = "condition"
    __table_args__ = (UniqueConstraint("test_set_id", "edition", "prompt_id", "decoding_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    """Number of the condition."""
    test_set_id: Mapped[int] = mapped_column(ForeignKey(TestSetRow.id))
    """The test set."""
    edition: Mapped[int] = mapped_column(CheckConstraint("edition >= 0", name="edition"))
    """The edition of its texts (`test.edition`)."""
    prompt_id: Mapped[int] = mapped_column(ForeignKey(PromptRow.id))
    """The prompt."""
    decoding_id: Mapped[int] = mapped_column(ForeignKey(DecodingRow.id))
    """The decoding."""


class MetricRow(Base):
    """A metric by name, whatever its version."""

    __tablename__ = "metric"

    id: Mapped[int] = mapped_column(primary_key=True)
    """Number of the metric."""
    name: Mapped[str] = mapped_column(unique=True)
    """Its name."""


class SignatureRow(Base):
    """Everything a metric's value depends on besides the text: version, tokeniser and settings."""

    __tablename__ = "signature"
    __table_args__ = (UniqueConstraint("metric_id", "text"), UniqueConstraint("id", "metric_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    """Number of the signature."""
    metric_id: Mapped[int] = mapped_column(ForeignKey(MetricRow.id))
    """The metric."""
    text: Mapped[str]
    """The signature."""


def cell_rules(states: type[DescribedState] = CellState) -> list[CheckConstraint]:
    """What of a cell's columns follows from its state: the rules of the table `cell`."""
    # Spelt with OR and AND: see `one_of`.
    without_reason = " OR ".join(f"state = '{state}'" for state in states if not state.needs_reason)
    untranslated = " AND ".join(f"state <> '{state}'" for state in states if state.is_translated)
    return [
        one_of("state", states),
        CheckConstraint(f"{without_reason} OR reason IS NOT NULL", name="reason"),
        CheckConstraint(f"hypotheses IS NOT NULL OR ({untranslated})", name="hypotheses"),
    ]


class CellRow(Base):
    """One model on one pair under one condition."""

    __tablename__ = "cell"
    __table_args__ = (
        PrimaryKeyConstraint("model_id", "condition_id", "pair_id"),
        *cell_rules(),
        CheckConstraint(f"partition_id BETWEEN 0 AND {len(PARTITIONS) - 1}", name="partition"),
        {"sqlite_with_rowid": False},
    )

    model_id: Mapped[int] = mapped_column(Integer, ForeignKey(ModelRow.id))
    """The model."""
    condition_id: Mapped[int] = mapped_column(Integer, ForeignKey(ConditionRow.id))
    """The condition."""
    pair_id: Mapped[int] = mapped_column(Integer, ForeignKey(PairRow.id))
    """The pair."""
    partition_id: Mapped[int] = mapped_column(SmallInteger)
    """The pair's partition under the model's training graph (`partition.id`); follows the graph."""
    identity: Mapped[str] = mapped_column(unique=True)
    """The cell's identity."""
    state: Mapped[str] = mapped_column(String)
    """Where it stands."""
    reason: Mapped[str | None]
    """Why it is missing, failed or unscorable."""
    hypotheses: Mapped[str | None]
    """Blob of the hypotheses."""
    segments: Mapped[int | None]
    """Lines translated."""
    tokens: Mapped[int | None]
    """Tokens generated."""
    cut: Mapped[int | None]
    """Segments cut at the longest length allowed."""
    too_long: Mapped[int | None]
    """Segments that the model had no room for: empty, or of a shortened source; NULL where nobody counted."""
    engine: Mapped[str | None]
    """Engine that decoded."""
    seconds: Mapped[float | None] = mapped_column(Double)
    """Seconds of decoding."""
    worker: Mapped[str | None]
    """Who is at it, or did it."""
    attempts: Mapped[int] = mapped_column(default=0)
    """How often a worker started on it."""
    updated: Mapped[datetime] = mapped_column(UtcDateTime)
    """When its state last changed (UTC)."""


class CellCountRow(Base):
    """The cells of one model in one state, counted; kept in the transaction that changes the state."""

    __tablename__ = "cell_count"
    __table_args__ = (
        PrimaryKeyConstraint("model_id", "condition_id", "state"),
        one_of("state", CellState),
        CheckConstraint("cells >= 0", name="cells"),
        {"sqlite_with_rowid": False},
    )

    model_id: Mapped[int] = mapped_column(Integer, ForeignKey(ModelRow.id))
    """The model."""
    condition_id: Mapped[int] = mapped_column(Integer, ForeignKey(ConditionRow.id))
    """The condition."""
    state: Mapped[str] = mapped_column(String)
    """The state."""
    cells: Mapped[int]
    """How many cells there are, in whichever grids."""


_SCORE_KEY = ("model_id", "condition_id", "metric_id", "pair_id", "signature_id")


class ScoreRow(Base):
    """A cell's value under one signature. Only translated and quoted cells have any: nothing missing is in a mean."""

    __tablename__ = "score"
    __table_args__ = (
        # PostgreSQL answers from this index alone; SQLite's table is this index.
        PrimaryKeyConstraint(*_SCORE_KEY, postgresql_include=["partition_id", "value", "low", "high"]),
        ForeignKeyConstraint(
            ["model_id", "condition_id", "pair_id"], ["cell.model_id", "cell.condition_id", "cell.pair_id"]
        ),
        ForeignKeyConstraint(["signature_id", "metric_id"], ["signature.id", "signature.metric_id"]),
        CheckConstraint("low <= high", name="interval"),
        {"sqlite_with_rowid": False},
    )

    model_id: Mapped[int] = mapped_column(Integer)
    """The cell's model."""
    condition_id: Mapped[int] = mapped_column(Integer)
    """The cell's condition."""
    metric_id: Mapped[int] = mapped_column(Integer)
    """The signature's metric."""
    pair_id: Mapped[int] = mapped_column(Integer)
    """The cell's pair."""
    signature_id: Mapped[int] = mapped_column(Integer)
    """The signature."""
    partition_id: Mapped[int] = mapped_column(SmallInteger)
    """The cell's partition."""
    value: Mapped[float] = mapped_column(Double)
    """The corpus score."""
    low: Mapped[float | None] = mapped_column(Double)
    """Lower end of its confidence interval."""
    high: Mapped[float | None] = mapped_column(Double)
    """Upper end of its confidence interval."""


class StatisticsRow(Base):
    """The sufficient statistics a score was computed from, apart from it because they are large."""

    __tablename__ = "score_statistics"
    __table_args__ = (
        PrimaryKeyConstraint(*_SCORE_KEY),
        # Named by hand: the name that follows from five columns is too long for PostgreSQL.
        ForeignKeyConstraint(_SCORE_KEY, [f"score.{key}" for key in _SCORE_KEY], name="score_statistics_score_fkey"),
    )

    model_id: Mapped[int] = mapped_column(Integer)
    """The score's model."""
    condition_id: Mapped[int] = mapped_column(Integer)
    """The score's condition."""
    metric_id: Mapped[int] = mapped_column(Integer)
    """The score's metric."""
    pair_id: Mapped[int] = mapped_column(Integer)
    """The score's pair."""
    signature_id: Mapped[int] = mapped_column(Integer)
    """The score's signature."""
    statistics: Mapped[bytes]
    """One packed row for each segment (`dragoman.metrics.serialization`)."""


class SpansRow(Base):
    """The errors that a metric marks in a score's segments, apart from it because few metrics mark any."""

    __tablename__ = "score_spans"
    __table_args__ = (
        PrimaryKeyConstraint(*_SCORE_KEY),
        ForeignKeyConstraint(_SCORE_KEY, [f"score.{key}" for key in _SCORE_KEY], name="score_spans_score_fkey"),
    )

    model_id: Mapped[int] = mapped_column(Integer)
    """The score's model."""
    condition_id: Mapped[int] = mapped_column(Integer)
    """The score's condition."""
    metric_id: Mapped[int] = mapped_column(Integer)
    """The score's metric."""
    pair_id: Mapped[int] = mapped_column(Integer)
    """The score's pair."""
    signature_id: Mapped[int] = mapped_column(Integer)
    """The score's signature."""
    spans: Mapped[bytes]
    """The spans of all segments, packed (`dragoman.metrics.span_serialization`)."""


class UnscorableRow(Base):
    """Why a metric can't score a translated cell."""

    __tablename__ = "unscorable"
    __table_args__ = (
        PrimaryKeyConstraint("model_id", "condition_id", "pair_id", "metric_id"),
        ForeignKeyConstraint(
            ["model_id", "condition_id", "pair_id"], ["cell.model_id", "cell.condition_id", "cell.pair_id"]
        ),
    )

    model_id: Mapped[int] = mapped_column(Integer)
    """The cell's model."""
    condition_id: Mapped[int] = mapped_column(Integer)
    """The cell's condition."""
    pair_id: Mapped[int] = mapped_column(Integer)
    """The cell's pair."""
    metric_id: Mapped[int] = mapped_column(Integer, ForeignKey(MetricRow.id))
    """The metric."""
    reason: Mapped[str]
    """Why."""
