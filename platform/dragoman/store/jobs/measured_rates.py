"""Measured throughput and sizes of earlier runs, for estimates; and the states of a plan's cells."""

from pathlib import Path
from typing import NamedTuple

from sqlalchemy import func, or_, select

from dragoman.cell import CellState
from dragoman.store.schema import CellRow, ModelRow, TrainingRow
from dragoman.store.store import Store

LATEST = 20
"""Number of translations whose file sizes are read."""


class Rate(NamedTuple):
    """A measured rate, with the number of runs behind it."""

    value: float
    """Its mean."""
    runs: int
    """Finetunings or cells behind it."""


class Rates(NamedTuple):
    """Measured rates of a base model and of models finetuned from it; None for what has not been measured."""

    training: Rate | None
    """Tokens of batches (prompt and target) that one finetuning takes in a second."""
    checkpoint: Rate | None
    """Bytes of a finetuned model's folder."""
    decoding: Rate | None
    """Tokens that one worker generates in a second."""
    translation: Rate | None
    """Bytes that the hypotheses of one sentence take."""


def rates(store: Store, base: str, method: str) -> Rates:
    """The rates of one base model and one method of finetuning (`full` or `lora`)."""
    family = or_(
        ModelRow.identity == base,
        ModelRow.base_id == select(ModelRow.id).where(ModelRow.identity == base).scalar_subquery(),
    )
    trained, sizes = [], []
    with store.database.reading() as connection:
        for record in connection.execute(
            select(TrainingRow.record).join(ModelRow, ModelRow.id == TrainingRow.model_id).where(family)
        ).scalars():
            settings = record.get("method", {})
            if settings.get("kind") == method and record.get("seconds"):
                trained.append((settings["steps"] * settings["batch_tokens"], record["seconds"]))
                sizes += _size(Path(record.get("checkpoint", "")))
        cells = (
            select(func.sum(CellRow.tokens), func.sum(CellRow.seconds), func.count())
            .join(ModelRow, ModelRow.id == CellRow.model_id)
            .where(family, CellRow.state == CellState.DONE.value, CellRow.seconds > 0)
        )
        tokens, seconds, count = connection.execute(cells).one()
        latest = (
            select(CellRow.hypotheses, CellRow.segments)
            .join(ModelRow, ModelRow.id == CellRow.model_id)
            .where(family, CellRow.hypotheses.is_not(None), CellRow.segments > 0)
            .order_by(CellRow.updated.desc())
            .limit(LATEST)
        )
        translation = _translation(store, [(row.hypotheses, row.segments) for row in connection.execute(latest)])
    return Rates(
        training=Rate(sum(t for t, _ in trained) / sum(s for _, s in trained), len(trained)) if trained else None,
        checkpoint=Rate(sum(sizes) / len(sizes), len(sizes)) if sizes else None,
        decoding=Rate(tokens / seconds, count) if tokens and seconds else None,
        translation=translation,
    )


def cell_states(store: Store, models: list[str]) -> dict[str, CellState]:
    """The state of every cell of some models, by the cell's identity; models the store lacks have none."""
    query = select(CellRow.identity, CellRow.state).join(ModelRow, ModelRow.id == CellRow.model_id)
    with store.database.reading() as connection:
        rows = connection.execute(query.where(ModelRow.identity.in_(models)))
        return {identity: CellState(state) for identity, state in rows}


def _size(folder: Path) -> list[int]:
    """The bytes of a model's folder, if it is on this machine."""
    if not folder.name or not folder.is_dir():
        return []
    return [sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())]


def _translation(store: Store, cells: list[tuple[str, int]]) -> Rate | None:
    found = [(len(store.blobs.read(address)), segments) for address, segments in cells]
    if not found:
        return None
    return Rate(sum(size for size, _ in found) / sum(segments for _, segments in found), len(found))
