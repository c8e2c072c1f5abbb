"""Records of what is measured inside models: the alignment of languages by layer, and the likelihood of references."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from dragoman.identity import fingerprint
from dragoman.pair import Pair
from dragoman.store.records import Finite, Record

ALIGNMENT_VERSION = 1
"""Raised when the same sentences can be represented or measured otherwise."""

LIKELIHOOD_VERSION = 1
"""Raised when the same references can get another likelihood."""


class Pooling(StrEnum):
    """How the hidden states of a sentence's tokens, special ones left out, are made one vector."""

    MEAN = "mean"
    """Their mean."""
    POSITION_WEIGHTED = "position-weighted"
    """Their mean with weights 1, 2, 3 ...: in a decoder, later tokens have read more of the sentence."""


class Measured(Record):
    """What was measured: all that decides the measures."""

    model: str
    """Id of the model."""
    pair: Pair
    """The direction."""

    @property
    def id(self) -> str:
        """The versioned hash of the fields."""
        raise NotImplementedError

    @property
    def columns(self) -> dict[str, Any]:
        """What its row in the store says beside the model and the pair."""
        return self.model_dump(mode="json", exclude={"model", "pair"})


class MeasureRecord(Record):
    """What was found."""

    of: Measured
    """What it is of."""


class Aligned(Measured):
    """What was aligned; the source's sentences look for the target's."""

    content: tuple[str, str]
    """Hashes of the sentences in both."""
    layer: Annotated[int, Field(ge=0)]
    """The layer; 0 is what goes into the first one."""
    pooling: Pooling
    """How a sentence's tokens are made one vector."""

    @property
    def id(self) -> str:
        """The versioned hash of the fields."""
        return fingerprint("alignment", ALIGNMENT_VERSION, self.model_dump(mode="json"))

    @property
    def columns(self) -> dict[str, Any]:
        """Its own, with both hashes in one."""
        return {**super().columns, "content": " ".join(self.content)}


class AlignmentRecord(MeasureRecord):
    """How alike one layer of a model represents the same sentences in two languages (`alignment.measures.Measures`)."""

    of: Aligned
    """What was aligned."""
    lines: Annotated[int, Field(gt=1)]
    """How many sentences there are."""
    retrieval: Finite
    """Share of source sentences whose nearest target sentence is their translation."""
    retrieval_centred: Finite
    """The same after each language's mean is subtracted."""
    retrieval_chance: Finite
    """What it would be by chance."""
    xsim_error: Finite
    """Share of source sentences whose best target sentence by margin is not their translation."""
    xsim_error_centred: Finite
    """The same after centring."""
    cka: Finite | None
    """Linear CKA."""
    cka_chance: Finite | None
    """Its mean over all orders of the sentences."""
    cka_unbiased: Finite | None
    """Linear CKA by the unbiased HSIC."""
    mutual_knn: Finite
    """Mean share of nearest sentences that are the same within both languages."""
    mutual_knn_centred: Finite
    """The same after centring."""


class Likely(Measured):
    """What was found more or less likely."""

    content: str
    """Hash of the source and reference lines."""
    prompt: str
    """Id of the prompt."""

    @property
    def id(self) -> str:
        """The versioned hash of the fields."""
        return fingerprint("likelihood", LIKELIHOOD_VERSION, self.model_dump(mode="json"))


class LikelihoodRecord(MeasureRecord):
    """How probable a model finds the references of a pair after a prompt."""

    of: Likely
    """What it is of."""
    lines: Annotated[int, Field(gt=0)]
    """How many references there are."""
    tokens: Annotated[int, Field(ge=0)]
    """Their tokens, the end of sentence left out."""
    log_probability: Finite
    """The sum of the tokens' log probabilities (nats)."""
    of_lines: bytes
    """Of each line the sum of its tokens' log probabilities and their number (`metrics.serialization.pack`)."""
