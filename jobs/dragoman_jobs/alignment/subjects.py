"""The models of a grid that can be looked into, with their checkpoints."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from dragoman.errors import ModelError, StoreError, nearest
from dragoman.model import ModelIdentity
from dragoman.planning.plan import Plan
from dragoman.settings import Settings
from dragoman.store.store import Store
from dragoman_jobs.driver.plan_checkpoints import checkpoint_of, engine_of
from dragoman_jobs.models.checkpoint import Checkpoint

_SERVED = "openai"
"""The engine of models that are behind an address."""


class Subject(NamedTuple):
    """A model to look into."""

    name: str
    """Its name in the grid."""
    checkpoint: Checkpoint
    """Where it lies; its id is the model's."""


class Subjects(NamedTuple):
    """Those that are looked into, and those that are not."""

    chosen: tuple[Subject, ...]
    """The models, the base first."""
    passed_over: tuple[str, ...]
    """Why others are not looked into, a sentence each."""


def subjects(plan: Plan, store: Store, settings: Settings, names: Collection[str] = ()) -> Subjects:
    """The models of a grid that can be looked into: its base, evaluated or not, and what is finetuned or named.

    Args:
        plan: the grid.
        store: where it is kept.
        settings: where models lie.
        names: only these, all of which must be possible; all that are, by default.

    Raises:
        StoreError: the grid has no model of a name.
        ModelError: a model that is named has no states here, or none can be looked into.
    """
    every = {"base": plan.base, **{model.name: model for model in plan.models}}
    known = {**dict.fromkeys(store.grids.get(plan.spec.name).names.values()), **every}
    for name in names:
        if name not in known:
            raise StoreError(f"Grid '{plan.spec.name}' has no model '{name}': {nearest(name, known)}")
    reasons = {name: _why_not(plan, store, settings, name=name, every=every) for name in names or known}
    passed_over = tuple(reason for reason in reasons.values() if reason)
    if names and passed_over:
        raise ModelError(passed_over[0])
    chosen = tuple(
        Subject(name, checkpoint_of(plan, every[name], settings.models_dir))
        for name, reason in reasons.items()
        if reason is None
    )
    if not chosen:
        raise ModelError(passed_over[0])
    return Subjects(chosen, passed_over)


def _why_not(
    plan: Plan, store: Store, settings: Settings, *, name: str, every: Mapping[str, ModelIdentity]
) -> str | None:
    model = every.get(name)
    if model is None or model.id in plan.from_elsewhere:
        return (
            f"The system {name} comes from files or is quoted: it has no hidden states here; choose models that "
            "Dragoman runs (`--model`)."
        )
    if engine_of(plan, model) == _SERVED:
        return (
            f"The model {name} is behind an endpoint, which shows no hidden states: choose models whose weights are "
            "here (`--model`)."
        )
    trained = {training.identity.id for training in plan.trainings}
    if model.id in trained and store.models.training(model.id) is None:
        return f"The model {name} is not trained yet: run the grid first (`dragoman resume {plan.spec.name}`)."
    if model.id in trained and not (settings.models_dir / model.id).is_dir():
        return f"The checkpoint of {name} is not in {settings.models_dir / model.id} any more: put it back there."
    return None
