"""How the finetunings of a grid stand, whichever grid's driver trains them, and however that ended."""

from typing import Any

from sqlalchemy import select

from dragoman.store.database.ids import grid_number
from dragoman.store.records import JobRecord
from dragoman.store.repositories.jobs import job_records
from dragoman.store.repositories.training_reports import report_of
from dragoman.store.schema import GridModelRow, JobRow, ModelRow, TrainingReportRow, TrainingRow
from dragoman.store.store import Store
from dragoman.store.training_records import TrainingReport, TrainingStanding, TrainingState


def last_report(store: Store, model_id: str) -> TrainingReport | None:
    """What a driver last said of a model's finetuning; None before there is a report."""
    query = select(*TrainingReportRow.__table__.columns).join(ModelRow, ModelRow.id == TrainingReportRow.model_id)
    with store.database.reading() as connection:
        row = connection.execute(query.where(ModelRow.identity == model_id)).one_or_none()
        return None if row is None else report_of(row, model_id)


def finetunings(store: Store, grid: str) -> list[TrainingStanding]:
    """The finetunings of a grid in the order of its models, and how each stands.

    Raises:
        StoreError: there is no such grid.
    """
    with store.database.reading() as connection:
        query = (
            select(
                GridModelRow.name.label("called"),
                ModelRow.identity,
                ModelRow.recipe["method"]["steps"].as_integer().label("planned"),
                TrainingRow.recorded,
                *TrainingReportRow.__table__.columns,
            )
            .select_from(GridModelRow)
            .join(ModelRow, ModelRow.id == GridModelRow.model_id)
            .outerjoin(TrainingRow, TrainingRow.model_id == ModelRow.id)
            .outerjoin(TrainingReportRow, TrainingReportRow.model_id == ModelRow.id)
            .where(GridModelRow.grid_id == grid_number(connection, grid))
            .order_by(GridModelRow.position)
        )
        rows = [row for row in connection.execute(query) if row.planned is not None]
        numbers = {row.job_id for row in rows if row.job_id is not None}
        jobs = {job.id: job for job in job_records(connection, JobRow.id.in_(numbers))} if numbers else {}
    return [_standing(row, jobs) for row in rows]


def _standing(row: Any, jobs: dict[int, JobRecord]) -> TrainingStanding:
    if row.model_id is not None:
        return TrainingStanding(row.called, _state(row, jobs.get(row.job_id)), report_of(row, row.identity))
    if row.recorded is None:
        return TrainingStanding(row.called, TrainingState.TO_DO, TrainingReport(model=row.identity, steps=row.planned))
    # trained before there were reports, or imported
    report = TrainingReport(model=row.identity, step=row.planned, steps=row.planned, reported=row.recorded)
    return TrainingStanding(row.called, TrainingState.TRAINED, report)


def _state(row: Any, job: JobRecord | None) -> TrainingState:
    if row.recorded is not None:
        return TrainingState.TRAINED
    if row.failure is not None:
        return TrainingState.FAILED
    if job is not None and job.is_alive:
        return TrainingState.TRAINING
    return TrainingState.INTERRUPTED if row.step else TrainingState.TO_DO
