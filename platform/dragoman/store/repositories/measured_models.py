"""Base class of the repositories of what is measured inside models: records by the identity of what they are of."""

from collections.abc import Collection, Iterable
from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy import select

from dragoman.store.alignment_records import Measured, MeasureRecord
from dragoman.store.database.connection import insert
from dragoman.store.database.ids import chunks, model_number, pair_numbers
from dragoman.store.records import now
from dragoman.store.repositories.base import Repository
from dragoman.store.schema import AlignmentRow, LikelihoodRow

Subject = TypeVar("Subject", bound=Measured)
Found = TypeVar("Found", bound=MeasureRecord)


class MeasuredModelRepository(Repository, Generic[Subject, Found]):
    """Records of one kind by the identities of what they are of; what is there stays as it is."""

    _row: ClassVar[type[AlignmentRow] | type[LikelihoodRow]]
    """The table."""
    _record: type[Found]
    """What is read from it."""

    def add(self, records: Iterable[Found]) -> None:
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
                    **each.of.columns,
                    "identity": each.of.id,
                    "model_id": models[each.of.model],
                    "pair_id": pairs[each.of.pair],
                    "measured": moment,
                }
                for each in found
            ]
            for chunk in chunks(rows):
                connection.execute(insert(connection, self._row).on_conflict_do_nothing(), chunk)

    def missing(self, wanted: Collection[Subject]) -> list[Subject]:
        """Those that are not here, in their order."""
        identity, there = self._row.identity, set[str]()
        with self._database.reading() as connection:
            for chunk in chunks(each.id for each in wanted):
                there.update(connection.execute(select(identity).where(identity.in_(chunk))).scalars())
        return [each for each in wanted if each.id not in there]

    def read(self, wanted: Collection[Subject]) -> list[Found]:
        """The records that are here, in the order they are asked for."""
        by_id = {each.id: each for each in wanted}
        names = [name for name in self._record.model_fields if name != "of"]
        identity, columns = self._row.identity, [getattr(self._row, name) for name in names]
        found: dict[str, Any] = {}  # pydantic's plugin of mypy knows no subclass of what is constructed
        with self._database.reading() as connection:
            for chunk in chunks(by_id):
                query = select(identity, *columns).where(identity.in_(chunk))
                for its, *values in connection.execute(query):
                    figures = dict(zip(names, values, strict=True))
                    found[its] = self._record.model_construct(of=by_id[its], **figures)
        return [found[each] for each in by_id if each in found]
