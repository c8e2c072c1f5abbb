"""Endpoints about the model registry: models, versions, gates, cards and the audit trail."""

from pydantic import BaseModel, Field, ValidationError

from dragoman.analysis.pair_scores import BASE
from dragoman.errors import DragomanError
from dragoman.spec.grid import GridSpec
from dragoman_registry.audit.history import faults, unrecorded_moves
from dragoman_registry.audit.log import AuditLog, AuditRecord, Outcome
from dragoman_registry.gate.report import GateReport
from dragoman_registry.packaging.model_card import write_card
from dragoman_registry.promotion.gated_aliases import gated_aliases
from dragoman_registry.registry_client.versions import (
    RegisteredVersion,
    aliases_of,
    find_version,
    registered,
    versions_of,
)
from dragoman_ui.api.endpoint import Endpoint, Question, of_store
from dragoman_ui.api.schemas import OfGrid
from dragoman_ui.viewmodels.mlflow_links import registry, registry_stamp
from dragoman_ui.viewmodels.registry import judged
from dragoman_ui.viewmodels.store import open_store, stamp
from dragoman_ui.viewmodels.systems import one_of


class OfRegisteredModel(Question):
    """Parameters of endpoints about a registered model."""

    name: str
    """Its name."""


class OfVersion(OfRegisteredModel):
    """Parameters of endpoints about a version."""

    version: str = Field(pattern=r"^[0-9]+$")
    """Its number."""
    alias: str | None = None
    """The alias of the gate; by default the policy's."""


class OfTrail(Question):
    """Parameters of the audit trail's endpoint."""

    name: str | None = None
    """Only records of this registered model."""
    alias: str | None = None
    """Only records of this alias."""
    outcome: Outcome | None = None
    """Only records with this outcome."""
    after: int = Field(default=0, ge=0)
    """Only records after this one."""
    limit: int = Field(default=100, ge=1, le=1000)
    """At most so many."""


class OfCard(OfGrid):
    """Parameters of the model card's endpoint."""

    model: str
    """The model's name in the grid."""


class RegisteredModel(BaseModel):
    """A registered model."""

    name: str
    """Its name."""
    aliases: dict[str, str]
    """The version of each alias."""
    gated: list[str]
    """The aliases that move by promotion alone, set or not."""


class RegisteredModels(BaseModel):
    """Every registered model."""

    models: list[RegisteredModel]
    """Sorted by name."""


class Versions(RegisteredModel):
    """A registered model with its versions."""

    versions: list[RegisteredVersion]
    """The oldest first."""
    strays: dict[str, str]
    """The aliases that don't point at the version of the trail's last record, each with a sentence."""


class Trail(BaseModel):
    """Records of the audit trail."""

    records: list[AuditRecord]
    """In order."""
    found: int
    """The number of matching records."""


class TrailFaults(BaseModel):
    """Faults of the audit trail."""

    faults: list[str]
    """Sentences; none if it is whole."""


class ModelCard(BaseModel):
    """A model card."""

    text: str
    """Markdown, rendered from the store now."""


def registered_models(question: Question) -> RegisteredModels:
    """Every registered model with its aliases, and which of them are gated."""
    del question
    store = open_store()
    with registry() as uri:
        found = registered(uri)
    return RegisteredModels(
        models=[
            RegisteredModel(name=each.name, aliases=each.aliases, gated=sorted(gated_aliases(store, each.name)))
            for each in found
        ]
    )


def versions(question: OfRegisteredModel) -> Versions:
    """The versions of a registered model: which model of which grid each of them is, and their aliases."""
    store = open_store()
    gated = sorted(gated_aliases(store, question.name))
    with registry() as uri:
        return Versions(
            name=question.name,
            aliases=aliases_of(uri, question.name),
            gated=gated,
            versions=versions_of(uri, question.name),
            strays=unrecorded_moves(AuditLog(store.database), uri, question.name, gated),
        )


def gate(question: OfVersion) -> GateReport:
    """Evaluate the gate of a version's grid against the version that the alias points at; nothing is moved."""
    with registry() as uri:
        return judged(uri, find_version(uri, question.name, question.version), question.alias)[0]


def trail(question: OfTrail) -> Trail:
    """The audit trail: who moved which alias, or was refused to, when, on what evidence, and why."""
    records = [
        record
        for record in AuditLog(open_store().database).records(question.name, question.alias)
        if record.sequence > question.after and question.outcome in (None, record.outcome)
    ]
    return Trail(records=records[: question.limit], found=len(records))


def trail_faults(question: Question) -> TrailFaults:
    """Faults of the audit trail: records that were altered, replaced or removed."""
    del question
    with registry() as uri:
        return TrailFaults(faults=faults(AuditLog(open_store().database), uri))


def card(question: OfCard) -> ModelCard:
    """The card of a finetuned model of a grid."""
    store = open_store()
    grid = store.grids.get(question.grid)
    finetuned = [name for name in grid.names.values() if name != BASE]
    name = one_of(f"Grid '{grid.name}' has no finetuned model", question.model, finetuned)
    try:
        spec = GridSpec.from_store(grid.spec)
    except ValidationError as error:
        raise DragomanError(
            f"The spec of '{grid.name}' can't be read ({error.error_count()} mistakes), so there are no cards of its "
            "models: run the grid again from a spec of this version."
        ) from error
    return ModelCard(text=write_card(store, grid, spec, name).text)


def of_registry(question: Question) -> str | None:
    """The version of a response that a write to the store or the registry may change."""
    del question
    return None if (found := registry_stamp()) is None else f"{stamp()} {found}"


ENDPOINTS = (
    Endpoint("registered_models", Question, RegisteredModels, registered_models, version=of_registry),
    Endpoint("versions", OfRegisteredModel, Versions, versions, version=of_registry),
    Endpoint("gate", OfVersion, GateReport, gate, version=of_registry),
    Endpoint("audit", OfTrail, Trail, trail, version=of_store),
    Endpoint("audit_faults", Question, TrailFaults, trail_faults),
    Endpoint("card", OfCard, ModelCard, card, version=of_store),
)
"""Every endpoint about the registry."""
