"""The hash of the cells and scores that an answer was computed from: equal hashes mean equal numbers."""

from collections.abc import Collection

from sqlalchemy import Connection, select

from dragoman.analysis.score_slice import Slice, cell_of_score
from dragoman.identity import hash_lines
from dragoman.store.schema import CellRow, ScoreRow, SignatureRow


def cells_of(connection: Connection, part: Slice, models: Collection[int]) -> set[str]:
    """The scored cells of some models in a slice: each cell's identity, the signature of its score, and the score.

    Args:
        connection: a reading transaction.
        part: the slice.
        models: numbers of the models, which may have run under the facing conditions of the slice.
    """
    conditions = {*part.conditions, *dict(part.facing).values()}
    query = (
        select(CellRow.identity, SignatureRow.text, ScoreRow.value)
        .select_from(ScoreRow)
        .join(CellRow, cell_of_score())
        .join(SignatureRow, SignatureRow.id == ScoreRow.signature_id)
        .where(
            ScoreRow.model_id.in_(models),
            ScoreRow.metric_id == part.metric_id,
            ScoreRow.condition_id.in_(conditions),
            ScoreRow.signature_id.in_(part.signatures),
        )
    )
    slice_of = f" of {part.lines}" if part.lines else ""
    return {f"{cell} {signature}{slice_of} {value!r}" for cell, signature, value in connection.execute(query)}


def cells_hash(cells: Collection[str]) -> str:
    """The hash of some scored cells; of none, an empty text."""
    return hash_lines(sorted(cells)) if cells else ""
