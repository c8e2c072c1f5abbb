"""What is measured inside models: the alignment of languages by layer, and the likelihood of references."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Double, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from dragoman.store.schema.base import Base, UtcDateTime
from dragoman.store.schema.lineage import ModelRow, PairRow


class AlignmentRow(Base):
    """How alike one layer of a model represents the same sentences in two languages."""

    __tablename__ = "alignment"
    __table_args__ = (Index(None, "model_id", "pair_id"), CheckConstraint("lines > 1", name="lines"))

    identity: Mapped[str] = mapped_column(primary_key=True)
    """The hash of model, sentences, layer, pooling and the version of the measures."""
    model_id: Mapped[int] = mapped_column(ForeignKey(ModelRow.id))
    """The model."""
    pair_id: Mapped[int] = mapped_column(ForeignKey(PairRow.id), index=True)
    """The languages, of which the source's sentences look for the target's."""
    content: Mapped[str]
    """Hash of the sentences in both languages."""
    layer: Mapped[int]
    """The layer; 0 is what goes into the first one."""
    pooling: Mapped[str]
    """How a sentence's tokens are made one vector."""
    lines: Mapped[int]
    """How many sentences there are."""
    retrieval: Mapped[float] = mapped_column(Double)
    """Share of source sentences whose nearest target sentence is their translation."""
    retrieval_centred: Mapped[float] = mapped_column(Double)
    """The same after each language's mean is subtracted."""
    retrieval_chance: Mapped[float] = mapped_column(Double)
    """What it would be by chance."""
    xsim_error: Mapped[float] = mapped_column(Double)
    """Share of source sentences whose best target sentence by margin is not their translation."""
    xsim_error_centred: Mapped[float] = mapped_column(Double)
    """The same after centring."""
    cka: Mapped[float | None] = mapped_column(Double)
    """Linear CKA; NULL where all representations are equal."""
    cka_chance: Mapped[float | None] = mapped_column(Double)
    """Its mean over all orders of the sentences."""
    cka_unbiased: Mapped[float | None] = mapped_column(Double)
    """Linear CKA by the unbiased HSIC."""
    mutual_knn: Mapped[float] = mapped_column(Double)
    """Mean share of nearest sentences that are the same within both languages."""
    mutual_knn_centred: Mapped[float] = mapped_column(Double)
    """The same after centring."""
    measured: Mapped[datetime] = mapped_column(UtcDateTime)
    """When it was measured (UTC)."""


class LikelihoodRow(Base):
    """How probable a model finds the references of a pair after a prompt."""

    __tablename__ = "likelihood"
    __table_args__ = (
        Index(None, "model_id", "pair_id"),
        CheckConstraint("tokens >= 0 AND lines > 0", name="counts"),
    )

    identity: Mapped[str] = mapped_column(primary_key=True)
    """The hash of model, test lines, prompt and the version of the computation."""
    model_id: Mapped[int] = mapped_column(ForeignKey(ModelRow.id))
    """The model."""
    pair_id: Mapped[int] = mapped_column(ForeignKey(PairRow.id), index=True)
    """The pair."""
    content: Mapped[str]
    """Hash of the source and reference lines."""
    prompt: Mapped[str]
    """Identity of the prompt."""
    lines: Mapped[int]
    """How many references there are."""
    tokens: Mapped[int]
    """Tokens of the references."""
    log_probability: Mapped[float] = mapped_column(Double)
    """The sum of the tokens' log probabilities (nats)."""
    of_lines: Mapped[bytes]
    """Of each line the sum of its tokens' log probabilities and their number, packed as statistics of scores are."""
    measured: Mapped[datetime] = mapped_column(UtcDateTime)
    """When it was measured (UTC)."""
