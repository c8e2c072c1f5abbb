"""The manifest of a grid: a file with its plan and what its training text holds, from which the jobs run."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, ValidationError

from dragoman.contamination import SEARCH
from dragoman.model import ModelIdentity
from dragoman.planning.plan import Plan, PlannedTraining
from dragoman.planning.training_text import TrainingText, id_of_searched

Tell = Callable[[PlannedTraining], None]
"""Callback for each finetuning whose text is going to be read."""


class Manifest(BaseModel):
    """Content of the manifest file."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    """Version of the file's layout."""
    plan: Plan
    """The plan, with the text of every finetuning."""


class _SurveyedTraining(BaseModel):
    identity: ModelIdentity
    text: TrainingText | None = None


class _SurveyedPlan(BaseModel):
    trainings: tuple[_SurveyedTraining, ...]


class _Surveyed(BaseModel):
    """What is taken from an earlier manifest, of a version that may have had other plans."""

    format: Literal[1]
    plan: _SurveyedPlan


def manifest_path(home: Path, grid: str) -> Path:
    """Path of a grid's manifest."""
    return home / "plans" / f"{grid}.json"


def prepare(plan: Plan, home: Path, tell: Tell = lambda _: None) -> Plan:
    """Draw the examples of every finetuning, look for test sentences in them, and write the manifest.

    Text that an earlier manifest describes is not read again, as long as nothing it depends on has changed: the corpus,
    what is asked of it, the test set, and the search for its sentences.

    Args:
        plan: a plan.
        home: the folder of everything kept on this machine.
        tell: is called with each finetuning whose text is read.

    Returns:
        The plan as written to the manifest.

    Raises:
        CorpusError: training text is damaged.
        MetricError: a language filter can't tell a language.
    """
    path = manifest_path(home, plan.spec.name)
    earlier, tested = _texts(path), [test_set.tested for test_set in plan.test_sets]
    searched = (id_of_searched(tested), tested[0].similarity, SEARCH)
    trainings = []
    for planned in plan.trainings:
        text = earlier.get(planned.identity.id)
        if text is None or (text.tested, text.similarity, text.search) != searched:
            from dragoman.planning.training_data import (
                survey,  # brings numpy: a plan without finetunings need not wait for it
            )

            tell(planned)
            text = survey(planned, tested)
        trainings.append(planned.model_copy(update={"text": text}))
    manifest = Manifest(plan=plan.model_copy(update={"trainings": tuple(trainings)}))
    _write(path, manifest.model_dump_json())
    return Manifest.model_validate_json(path.read_bytes()).plan


def _texts(path: Path) -> dict[str, TrainingText]:
    """Training texts of an earlier manifest, by model; empty if there is none, or none that this version reads."""
    try:
        earlier = _Surveyed.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return {}
    return {planned.identity.id: planned.text for planned in earlier.plan.trainings if planned.text}


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{uuid4().hex}")  # a name of its own length: a grid's may be as long as a file's can be
    new.write_text(content, encoding="utf-8")
    new.replace(path)
