"""Repository of alignments: how alike the layers of models represent languages."""

from sqlalchemy import select

from dragoman.store.alignment_records import Aligned, AlignmentRecord
from dragoman.store.database.ids import model_number
from dragoman.store.repositories.measured_models import MeasuredModelRepository
from dragoman.store.schema import AlignmentRow


class AlignmentRepository(MeasuredModelRepository[Aligned, AlignmentRecord]):
    """Alignments by their identities; what is there stays as it is."""

    _row = AlignmentRow
    _record = AlignmentRecord

    def layers(self, model: str, pooling: str) -> list[int]:
        """The layers of a model, by its id, that some languages have been aligned in."""
        with self._database.reading() as connection:
            query = select(AlignmentRow.layer).where(
                AlignmentRow.model_id == model_number(connection, model), AlignmentRow.pooling == pooling
            )
            return sorted(connection.execute(query.distinct()).scalars())
