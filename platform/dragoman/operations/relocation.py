"""Places that databases name, after a restore elsewhere: MLflow's artifacts and the checkpoints of trainings."""

from sqlalchemy import Connection, inspect, select, text, update

from dragoman.store.schema import TrainingRow

MLFLOW_PLACES = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}
"""Columns of MLflow's tables that hold an artifact's place; behind a server they say `mlflow-artifacts:` and stay."""


def relocate_mlflow(connection: Connection, old: str, new: str) -> None:
    """Replace the beginning of every artifact's place.

    Args:
        connection: a transaction on MLflow's database.
        old: URL of the folder the artifacts were in.
        new: URL of the folder they are in.
    """
    present = set(inspect(connection).get_table_names())
    for table, columns in MLFLOW_PLACES.items():
        for column in columns if table in present else ():
            query = text(
                f"UPDATE {table} SET {column} = :new || substr({column}, :after) "  # noqa: S608
                f"WHERE substr({column}, 1, :length) = :old"
            )
            length = len(old.rstrip("/"))
            values = {"old": old.rstrip("/"), "new": new.rstrip("/"), "length": length, "after": length + 1}
            connection.execute(query, values)


def relocate_store(connection: Connection, old: str, new: str) -> None:
    """Replace the beginning of every checkpoint's path.

    Args:
        connection: a transaction on the store's database.
        old: URL (`file://...`) of the folder the models were in.
        new: URL of the folder they are in.
    """
    before, after = old.removeprefix("file://"), new.removeprefix("file://")
    for number, record in connection.execute(select(TrainingRow.model_id, TrainingRow.record)).all():
        checkpoint = str(record.get("checkpoint", ""))
        if checkpoint.startswith(f"{before}/"):
            moved = {**record, "checkpoint": after + checkpoint.removeprefix(before)}
            connection.execute(update(TrainingRow).where(TrainingRow.model_id == number).values(record=moved))
