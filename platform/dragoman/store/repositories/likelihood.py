"""Repository of likelihoods: how probable models find references after their prompts."""

from collections.abc import Collection, Iterable

from sqlalchemy import select

from dragoman.store.alignment_records import LikelihoodRecord, Likely
from dragoman.store.database.connection import insert
from dragoman.store.database.ids import chunks, model_number, pair_numbers
from dragoman.store.records import now
from dragoman.store.repositories.base import Repository
from dragoman.store.schema import LikelihoodRow


class LikelihoodRepository(Repository):
    """Likelihoods by their identities; what is there stays as it is."""

    def add(self, records: Iterable[LikelihoodRecord]) -> None:
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
                    "content": each.of.content,
                    "prompt": each.of.prompt,
                    "measured": moment,
                }
                for each in found
            ]
            for chunk in chunks(rows):
                connection.execute(insert(connection, LikelihoodRow).on_conflict_do_nothing(), chunk)

    def missing(self, wanted: Collection[Likely]) -> list[Likely]:
        """Those that are not here, in their order."""
        there = {record.of.id for record in self.read(wanted)}
        return [each for each in wanted if each.id not in there]

    def read(self, wanted: Collection[Likely]) -> list[LikelihoodRecord]:
        """The records that are here, in the order they are asked for."""
        by_id = {each.id: each for each in wanted}
        names = [name for name in LikelihoodRecord.model_fields if name != "of"]
        columns = [getattr(LikelihoodRow, name) for name in names]
        found: dict[str, LikelihoodRecord] = {}
        with self._database.reading() as connection:
            for chunk in chunks(by_id):
                query = select(LikelihoodRow.identity, *columns).where(LikelihoodRow.identity.in_(chunk))
                for identity, *values in connection.execute(query):
                    figures = dict(zip(names, values, strict=True))
                    found[identity] = LikelihoodRecord.model_construct(of=by_id[identity], **figures)
        return [found[identity] for identity in by_id if identity in found]
