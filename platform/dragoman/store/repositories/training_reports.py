"""Reports of finetunings under way: written with their drivers' heartbeats, one row a finetuning."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection

from dragoman.store.database.connection import insert
from dragoman.store.database.ids import model_number
from dragoman.store.schema import TrainingReportRow
from dragoman.store.training_records import TrainingReport


def write_reports(connection: Connection, job_id: int, reports: Iterable[TrainingReport]) -> None:
    """Write what a job's driver says of its finetunings; a later report replaces one.

    Raises:
        StoreError: there is no such model.
    """
    for report in reports:
        row = report.model_dump(exclude={"model", "job"}) | {"job_id": job_id}
        statement = insert(connection, TrainingReportRow).values(model_id=model_number(connection, report.model), **row)
        connection.execute(statement.on_conflict_do_update(index_elements=[TrainingReportRow.model_id], set_=row))


def report_of(row: Any, model_id: str) -> TrainingReport:
    """The report in a row of `TrainingReportRow`, of the model of an id."""
    fields = TrainingReport.model_fields.keys() - {"model", "job"}
    return TrainingReport(model=model_id, job=row.job_id, **{name: getattr(row, name) for name in fields})
