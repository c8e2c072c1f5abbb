"""Requests and answers of a promotion, in this process or over HTTP."""

from pydantic import BaseModel, ConfigDict, Field

from dragoman.spec.promotion import Promotion
from dragoman_registry.audit.log import AuditRecord
from dragoman_registry.gate.report import GateReport

UNSET = "none"
"""What `replacing` says of an alias that is not set."""


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class PromotionRequest(_Asked):
    """A version put forward for an alias."""

    name: str
    """Name of the registered model."""
    version: str = Field(pattern=r"^\d+$")
    """Number of the version."""
    alias: str | None = None
    """The alias; by default the one the policy names."""
    policy: Promotion | None = None
    """The rules it is held to; by default those in the spec of its grid."""
    signatures: dict[str, str] = Field(default_factory=dict)
    """By metric, text of the signature to look at where there are several; that of the policy's metric under ""."""
    replacing: str | None = Field(default=None, pattern=r"^(\d+|none)$")
    """Only if the alias stands at this version now (`none`: is not set)."""
    again: bool = True
    """Decide anew what the trail holds a decision on already; else it is left at that."""
    force: bool = False
    """Promote against the gate's verdict; needs a reason and the right to."""
    reason: str = ""
    """Why, for the record."""
    actor: str | None = None
    """Who asks; believed only where nobody has to sign in."""


class RollbackRequest(_Asked):
    """An alias to be moved back to the version before."""

    name: str
    """Name of the registered model."""
    alias: str = "champion"
    """The alias."""
    reason: str = "rolled back by hand"
    """Why, for the record."""
    actor: str | None = None
    """Who asks; believed only where nobody has to sign in."""


class Decision(BaseModel):
    """What came of a promotion."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    report: GateReport
    """What the gate found."""
    record: AuditRecord | None
    """What the trail says of it now; None where there was nothing to decide."""
    sentence: str
    """The outcome and its reason."""

    @property
    def stands(self) -> bool:
        """Whether the alias stands at the version now, or did when the trail's decision was made."""
        return self.record is None or self.record.outcome == "done"
