"""How finetunings stand is read from the store, whatever became of their driver."""

import pytest

from dragoman.store.heartbeat import driver_name
from dragoman.store.jobs.trainings import finetunings, last_report
from dragoman.store.maintenance.deletion import delete_grid
from dragoman.store.records import JobState, ModelRecord
from dragoman.store.training_records import TrainingReport, TrainingState

HERE = TrainingReport(model="model1-t", step=51, steps=200, first_step=40, loss=2.5, tokens_per_second=900.0,
                      seconds_left=75.0, losses=((1, 5.0), (51, 2.5)))  # fmt: skip


@pytest.fixture
def finetuned(small):
    """The small grid with a model `t` that is finetuned in 200 steps."""
    recipe = {"method": {"kind": "full", "steps": 200}}
    small.store.models.add(ModelRecord(id="model1-base", name="base", recipe={}))
    small.store.models.add(
        ModelRecord(id="model1-t", name="t", parent="model1-base", base="model1-base", recipe=recipe)
    )
    small.add()
    grid = small.grid.model_copy(update={"name": "trained", "models": ("model1-base", "model1-t"), "names": {}})
    base = [each for each in small.cells if each.cell.model == "model1-base"]
    its = [
        each.model_copy(update={"cell": each.cell.model_copy(update={"model": model})})
        for model in grid.models
        for each in base
    ]
    small.store.grids.add(grid, its)
    return small.store


def standing(store):
    (found,) = finetunings(store, "trained")
    return found


def test_from_to_do_over_training_to_trained(finetuned):
    found = standing(finetuned)
    assert (found.model, found.state, found.report.step, found.report.steps) == ("t", TrainingState.TO_DO, 0, 200)
    assert finetunings(finetuned, "small") == []  # none of its models is finetuned
    job = finetuned.jobs.start("trained", driver_name())
    finetuned.jobs.beat(job, None, (), [HERE])
    found = standing(finetuned)
    assert found.state is TrainingState.TRAINING
    assert found.report == HERE.model_copy(update={"job": job}) == last_report(finetuned, "model1-t")
    finetuned.jobs.beat(job, None, (), [HERE.model_copy(update={"step": 52})])
    assert standing(finetuned).report.step == 52
    finetuned.models.add_training("model1-t", {"seconds": 1})
    assert standing(finetuned).state is TrainingState.TRAINED


def test_the_last_report_outlives_the_driver_and_its_job(finetuned):
    job = finetuned.jobs.start("trained", "this-process-is-gone-1")
    finetuned.jobs.beat(job, None, (), [HERE])
    finetuned.jobs.end(job, JobState.FAILED, "killed")
    found = standing(finetuned)
    assert (found.state, found.report.step, found.report.reported) == (TrainingState.INTERRUPTED, 51, HERE.reported)
    again = finetuned.jobs.start("trained", driver_name())
    finetuned.jobs.beat(again, None, (), [HERE.model_copy(update={"failure": "out of memory"})])
    assert standing(finetuned).state is TrainingState.FAILED


def test_another_grid_with_the_model_shows_it_and_may_be_deleted(finetuned):
    grid = finetuned.grids.get("trained")
    cells = list(finetuned.cells.iterate("trained"))
    finetuned.grids.add(grid.model_copy(update={"name": "other"}), cells)
    job = finetuned.jobs.start("trained", driver_name())
    finetuned.jobs.beat(job, None, (), [HERE])
    assert finetunings(finetuned, "other")[0].state is TrainingState.TRAINING
    finetuned.jobs.end(job, JobState.DONE)
    delete_grid(finetuned, "trained")
    found = finetunings(finetuned, "other")[0]
    assert (found.state, found.report.step, found.report.job) == (TrainingState.INTERRUPTED, 51, None)
    delete_grid(finetuned, "other")
    assert last_report(finetuned, "model1-t") is None


def test_a_finetuning_of_before_there_were_reports_is_trained(finetuned):
    finetuned.models.add_training("model1-t", {"seconds": 1})
    found = standing(finetuned)
    assert (found.state, found.report.step, found.report.losses) == (TrainingState.TRAINED, 200, ())
