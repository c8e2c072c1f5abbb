"""The checkpoint and the engine of each model of a plan."""

import os
from pathlib import Path

from dragoman.model import ModelIdentity
from dragoman.planning.plan import Plan
from dragoman.redaction import remember
from dragoman_jobs.finetune.task import TrainingTask
from dragoman_jobs.models.checkpoint import Checkpoint


def checkpoint_of(plan: Plan, model: ModelIdentity, models_dir: Path) -> Checkpoint:
    """The base, a baseline, or what a finetuning left in its folder.

    Args:
        plan: the plan.
        model: one of its models.
        models_dir: where finetunings leave what they make.
    """
    asked = translator_of(plan, model)
    for other in plan.baselines:
        if other.identity.id == asked:
            named = other.baseline
            remember(os.environ.get(named.key_variable or "", ""))
            return Checkpoint(
                id=asked,
                model=str(named.model),
                revision=named.revision,
                endpoint=named.endpoint,
                key_variable=named.key_variable,
            )
    base = plan.spec.base
    for planned in plan.trainings:
        if planned.identity.id == asked:
            out = models_dir / asked
            return TrainingTask(planned=planned, base=base.model, revision=base.revision, out=out).checkpoint
    return Checkpoint(id=asked, model=base.model, revision=base.revision)


def translator_of(plan: Plan, model: ModelIdentity) -> str:
    """The id of the model that translates: of a pivot system, that of its legs."""
    return str(model.parent) if model.id in plan.pivots else model.id


def engine_of(plan: Plan, model: ModelIdentity) -> str:
    """The engine that the spec asks for."""
    own = {other.identity.id: other.baseline.engine for other in plan.baselines}
    return own.get(translator_of(plan, model)) or plan.spec.evaluation.engine
