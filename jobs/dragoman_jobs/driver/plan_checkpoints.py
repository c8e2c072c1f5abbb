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
    for other in plan.baselines:
        if other.identity.id == model.id:
            named = other.baseline
            remember(os.environ.get(named.key_variable or "", ""))
            return Checkpoint(
                id=model.id,
                model=str(named.model),
                revision=named.revision,
                endpoint=named.endpoint,
                key_variable=named.key_variable,
            )
    base = plan.spec.base
    for planned in plan.trainings:
        if planned.identity.id == model.id:
            out = models_dir / model.id
            return TrainingTask(planned=planned, base=base.model, revision=base.revision, out=out).checkpoint
    return Checkpoint(id=model.id, model=base.model, revision=base.revision)


def engine_of(plan: Plan, model: ModelIdentity) -> str:
    """The engine that the spec asks for."""
    own = {other.identity.id: other.baseline.engine for other in plan.baselines}
    return own.get(model.id) or plan.spec.evaluation.engine
