"""Repository of alignments: how alike the layers of models represent languages."""

from collections.abc import Collection, Iterable

from sqlalchemy import select

from dragoman.store.alignment_records import Aligned, AlignmentRecord
from dragoman.store.database.connection import insert
from dragoman.store.database.ids import chunks, model_number, pair_numbers
from dragoman.store.records import now
from dragoman.store.repositories.base import Repository
from dragoman.store.schema import AlignmentRow


class AlignmentRepository(Repository):
    """Alignments by their identities; what is there stays as it is."""

    def add(self, records: Iterable[AlignmentRecord]) -> None:
        """Add records, all or none.

        Raises:
            StoreError: there is no such model.
        """
        found = list(records)
        with self._database.writing(sums=False) as connection:
            models = {name: model_number(connection, name) for name in {each.of.model for each in found}}
            pairs = pair_numbers(connection, {each.of.pair for each in found})
            moment = now()
            rows = [
                {
                    **each.model_dump(exclude={"of"}),
                    "identity": each.of.id,
                    "model_id": models[each.of.model],
                    "pair_id": pairs[each.of.pair],
                    "content": " ".join(each.of.content),
                    "layer": each.of.layer,
                    "pooling": each.of.pooling.value,
                    "measured": moment,
                }
                for each in found
            ]
            for chunk in chunks(rows):
                connection.execute(insert(connection, AlignmentRow).on_conflict_do_nothing(), chunk)

    def missing(self, wanted: Collection[Aligned]) -> list[Aligned]:
        """Those that are not here, in their order."""
        with self._database.reading() as connection:
            there: set[str] = set()
            for chunk in chunks(each.id for each in wanted):
                query = select(AlignmentRow.identity).where(AlignmentRow.identity.in_(chunk))
                there.update(connection.execute(query).scalars())
        return [each for each in wanted if each.id not in there]

    def read(self, wanted: Collection[Aligned]) -> list[AlignmentRecord]:
        """The records that are here, in the order they are asked for."""
        by_id = {each.id: each for each in wanted}
        names = [name for name in AlignmentRecord.model_fields if name != "of"]
        columns = [getattr(AlignmentRow, name) for name in names]
        found: dict[str, AlignmentRecord] = {}
        with self._database.reading() as connection:
            for chunk in chunks(by_id):
                query = select(AlignmentRow.identity, *columns).where(AlignmentRow.identity.in_(chunk))
                for identity, *values in connection.execute(query):
                    figures = dict(zip(names, values, strict=True))
                    found[identity] = AlignmentRecord.model_construct(of=by_id[identity], **figures)
        return [found[identity] for identity in by_id if identity in found]

    def layers(self, model: str, pooling: str) -> list[int]:
        """The layers of a model, by its id, that some languages have been aligned in."""
        with self._database.reading() as connection:
            query = select(AlignmentRow.layer).where(
                AlignmentRow.model_id == model_number(connection, model), AlignmentRow.pooling == pooling
            )
            return sorted(connection.execute(query.distinct()).scalars())
