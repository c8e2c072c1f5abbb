"""The signatures of a grid's scores, where one has to be chosen: scores of different ones are never mixed."""

from functools import lru_cache

from sqlalchemy import select

from dragoman.metrics.lookup import metric_class
from dragoman.store.database.ids import grid_number
from dragoman.store.schema import MetricRow, ScoreSumRow, SignatureRow
from dragoman.store.store import Store
from dragoman_ui.viewmodels.store import open_store, stamp


def signature_choices(grid: str, metric: str) -> list[str]:
    """Texts that distinguish a metric's signatures, such as `version:2.6.0`; none where there is nothing to choose.

    What follows from the pair, such as the tokeniser, is no choice.

    Raises:
        StoreError: there is no such grid.
    """
    return _read(stamp(), open_store(), grid, metric)


@lru_cache(maxsize=256)
def _read(moment: str, store: Store, grid: str, metric: str) -> list[str]:
    del moment
    kind = metric_class(metric)
    varying = {"tok"} if kind is None else kind.varying
    with store.database.reading() as connection:
        texts = connection.execute(
            select(SignatureRow.text)
            .join(ScoreSumRow, SignatureRow.id == ScoreSumRow.signature_id)
            .join(MetricRow, MetricRow.id == ScoreSumRow.metric_id)
            .where(ScoreSumRow.grid_id == grid_number(connection, grid), MetricRow.name == metric)
            .distinct()
        ).scalars()
        kinds = {frozenset(part for part in text.split("|") if part.partition(":")[0] not in varying) for text in texts}
    if len(kinds) < 2:
        return []
    return sorted(part for part in frozenset().union(*kinds) if sum(part in "|".join(each) for each in kinds) == 1)
