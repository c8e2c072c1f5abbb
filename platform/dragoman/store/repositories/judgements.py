"""Repository of human judgements of translations, and of the campaigns they are of."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Select, delete, select

from dragoman.errors import StoreError, nearest
from dragoman.pair import Pair
from dragoman.rating import Rating, Span
from dragoman.store.database.connection import insert
from dragoman.store.database.ids import chunks, grid_number
from dragoman.store.judgement_records import JudgementCampaignRecord, JudgementRecord, Recorded
from dragoman.store.records import now
from dragoman.store.repositories.base import Repository
from dragoman.store.schema import (
    CellRow,
    ConditionRow,
    GridModelRow,
    GridPairRow,
    JudgementCampaignRow,
    JudgementRow,
    JudgementSpanRow,
    PairRow,
    TestSetRow,
)


class JudgementRepository(Repository):
    """Judgements and campaigns; a judgement stays as it is unless its replacement is asked for."""

    def add(self, judgements: Iterable[JudgementRecord], *, replace: bool = False) -> Recorded:
        """Record judgements, all or none; those that are here already change nothing.

        Args:
            judgements: the judgements.
            replace: whether one takes the place of another of the same rater, which says something else.

        Raises:
            StoreError: a rater has judged the same translation otherwise; or there is no such cell or campaign.
        """
        found = list(judgements)
        try:
            return self._database.write(lambda connection: _add(connection, found, replace))
        except self._database.refusals as error:
            raise StoreError("Judgements of cells or campaigns that are not here can't be recorded.") from error

    def add_campaign(self, campaign: JudgementCampaignRecord) -> None:
        """Record a campaign; one that is here stays as it is."""
        row = campaign.model_dump(mode="json") | {"created": now()}
        with self._database.writing() as connection:
            connection.execute(insert(connection, JudgementCampaignRow).values(**row).on_conflict_do_nothing())

    def campaign(self, name: str) -> JudgementCampaignRecord:
        """The campaign of a name.

        Raises:
            StoreError: there is none.
        """
        with self._database.reading() as connection:
            found = connection.execute(
                select(JudgementCampaignRow).where(JudgementCampaignRow.id == name)
            ).one_or_none()
            if found is None:
                names = connection.execute(select(JudgementCampaignRow.id)).scalars()
                raise StoreError(f"The store has no judgement campaign '{name}': {nearest(name, names)}")
            return JudgementCampaignRecord(**found._mapping)

    def campaigns_of_grid(self, grid: str) -> list[JudgementCampaignRecord]:
        """The campaigns of a grid's cells, the earliest first.

        Raises:
            StoreError: there is no such grid.
        """
        with self._database.reading() as connection:
            cells = set(connection.execute(_cells_of(grid_number(connection, grid))).scalars())
            rows = connection.execute(
                select(JudgementCampaignRow).order_by(JudgementCampaignRow.created, JudgementCampaignRow.id)
            )
            found = [JudgementCampaignRecord(**row._mapping) for row in rows]
            return [each for each in found if cells.intersection(system.cell for system in each.systems.values())]

    def of_grid(self, grid: str, pair: Pair | None = None) -> list[JudgementRecord]:
        """The judgements of a grid's cells, by cell, line, protocol and rater.

        Args:
            grid: name of the grid.
            pair: only those of this pair.

        Raises:
            StoreError: there is no such grid.
        """
        with self._database.reading() as connection:
            cells = _cells_of(grid_number(connection, grid), pair)
            return _read(connection, select(JudgementRow).where(JudgementRow.cell.in_(cells)))

    def pairs_of_grid(self, grid: str, test_set: str | None = None) -> list[Pair]:
        """The pairs of a grid that have judgements, sorted.

        Args:
            grid: name of the grid.
            test_set: only those that have them on the test set of this id.

        Raises:
            StoreError: there is no such grid.
        """
        with self._database.reading() as connection:
            judged = select(JudgementRow.cell).where(JudgementRow.cell.in_(_cells_of(grid_number(connection, grid))))
            found = _texts_of(connection, judged)
            return sorted({pair for identity, pair in found if test_set in (None, identity)})

    def texts_of_campaign(self, campaign: JudgementCampaignRecord) -> set[tuple[str, Pair]]:
        """The test sets, by their ids, and pairs of a campaign's cells: one of each, as far as the store has them."""
        with self._database.reading() as connection:
            return _texts_of(connection, [each.cell for each in campaign.systems.values()])

    def of_cells(self, cells: Collection[str]) -> list[JudgementRecord]:
        """The judgements of some cells, in the same order."""
        with self._database.reading() as connection:
            return _read(connection, select(JudgementRow).where(JudgementRow.cell.in_(cells)))


def _add(connection: Connection, judgements: Sequence[JudgementRecord], replace: bool) -> Recorded:
    before = _by_key(connection, {each.cell for each in judgements})
    new, changed, same = [], [], 0
    for each in judgements:
        here = before.get(each.key)
        if here is None:
            new.append(each)
        elif here[1].content == each.content and here[1].rating == each.rating:
            same += 1
        elif replace:
            changed.append((here[0], each))
        else:
            raise StoreError(
                f"{each.rating.rater} has judged line {each.line} of cell {each.cell} otherwise: replace what is here "
                "with --replace."
            )
    for numbers_of_old in chunks(number for number, _ in changed):
        connection.execute(delete(JudgementSpanRow).where(JudgementSpanRow.judgement_id.in_(numbers_of_old)))
        connection.execute(delete(JudgementRow).where(JudgementRow.id.in_(numbers_of_old)))
    written = [*new, *(each for _, each in changed)]
    for chunk in chunks(written):
        connection.execute(insert(connection, JudgementRow), [_row(each) for each in chunk])
    numbers = _numbers(connection, {each.cell for each in written})
    spans = chain.from_iterable(_span_rows(numbers[each.key], each.rating.spans) for each in written)
    for rows in chunks(spans):
        connection.execute(insert(connection, JudgementSpanRow), rows)
    return Recorded(len(new), same, len(changed))


def _row(judgement: JudgementRecord) -> dict[str, Any]:
    rating = judgement.rating.model_dump(exclude={"spans", "protocol"}) | {"protocol": judgement.rating.protocol.value}
    return judgement.model_dump(exclude={"rating"}) | rating


def _span_rows(number: int, spans: Sequence[Span]) -> Iterable[dict[str, Any]]:
    for place, span in enumerate(spans):
        plain = span.model_dump(mode="json", include={"side", "severity", "category"})
        yield {"judgement_id": number, "number": place, "begins": span.start, "ends": span.end, **plain}


def _numbers(connection: Connection, cells: Collection[str]) -> dict[tuple[Any, ...], int]:
    columns = (JudgementRow.cell, JudgementRow.line, JudgementRow.rater, JudgementRow.protocol)
    found: dict[tuple[Any, ...], int] = {}
    for chunk in chunks(sorted(cells)):
        for number, *key in connection.execute(select(JudgementRow.id, *columns).where(JudgementRow.cell.in_(chunk))):
            found[tuple(key)] = number
    return found


def _by_key(connection: Connection, cells: Collection[str]) -> dict[tuple[Any, ...], tuple[int, JudgementRecord]]:
    numbers = _numbers(connection, cells)
    found = chain.from_iterable(
        _read(connection, select(JudgementRow).where(JudgementRow.cell.in_(chunk))) for chunk in chunks(sorted(cells))
    )
    return {each.key: (numbers[each.key], each) for each in found}


def _read(connection: Connection, query: Select[Any]) -> list[JudgementRecord]:
    order = (JudgementRow.cell, JudgementRow.line, JudgementRow.protocol, JudgementRow.rater)
    rows = connection.execute(query.order_by(*order)).all()
    spans: defaultdict[int, list[Span]] = defaultdict(list)
    marked = select(JudgementSpanRow).where(
        JudgementSpanRow.judgement_id.in_(query.with_only_columns(JudgementRow.id).order_by(None))
    )
    for row in connection.execute(marked.order_by(JudgementSpanRow.judgement_id, JudgementSpanRow.number)):
        spans[row.judgement_id].append(
            Span(side=row.side, start=row.begins, end=row.ends, severity=row.severity, category=row.category)
        )
    return [
        JudgementRecord(
            cell=row.cell,
            line=row.line,
            content=row.content,
            rating=Rating(
                rater=row.rater,
                protocol=row.protocol,
                score=row.score,
                spans=tuple(spans[row.id]),
                seconds=row.seconds,
                rated=row.rated,
            ),
            campaign=row.campaign,
        )
        for row in rows
    ]


def _texts_of(connection: Connection, cells: Any) -> set[tuple[str, Pair]]:
    """The test sets, by their ids, and pairs of some cells, given as ids or as a query of them."""
    query = (
        select(TestSetRow.identity, PairRow.source, PairRow.target)
        .join(CellRow, CellRow.pair_id == PairRow.id)
        .join(ConditionRow, ConditionRow.id == CellRow.condition_id)
        .join(TestSetRow, TestSetRow.id == ConditionRow.test_set_id)
        .distinct()
    )
    found = connection.execute(query.where(CellRow.identity.in_(cells)))
    return {(identity, Pair(source, target)) for identity, source, target in found}


def _cells_of(grid_id: int, pair: Pair | None = None) -> Select[str]:
    """The ids of a grid's cells."""
    query: Select[Any] = (
        select(CellRow.identity)
        .join(GridModelRow, GridModelRow.model_id == CellRow.model_id)
        .join(
            GridPairRow,
            (GridPairRow.grid_id == GridModelRow.grid_id)
            & (GridPairRow.condition_id == CellRow.condition_id)
            & (GridPairRow.pair_id == CellRow.pair_id),
        )
        .where(GridModelRow.grid_id == grid_id)
    )
    if pair is not None:
        same_pair = (PairRow.source == pair.source) & (PairRow.target == pair.target)
        query = query.join(PairRow, PairRow.id == CellRow.pair_id).where(same_pair)
    return query
