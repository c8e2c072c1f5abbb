"""Queries for what is stored under identities of earlier versions: models, and test sets of the same lines."""

from collections.abc import Collection, Iterable
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import func, or_, select

from dragoman.store.schema import ModelRow, TestRow, TestSetRow, TrainingRow
from dragoman.store.store import Store

LOOKED_AT = 500
"""Pairs whose lines are searched for."""

CANDIDATES = 5
"""The number of test sets returned: those with most of these lines."""


class KnownModel(NamedTuple):
    """A model of the store."""

    id: str
    """Its identity."""
    recipe: dict[str, Any]
    """What it is made from."""
    created: float
    """When it was recorded, in seconds since 1970."""
    is_trained: bool
    """Whether its finetuning was completed."""


def known_models(store: Store) -> dict[str, KnownModel]:
    """Every model of a store, by identity."""
    query = select(ModelRow.identity, ModelRow.recipe, ModelRow.created, TrainingRow.model_id).outerjoin(
        TrainingRow, TrainingRow.model_id == ModelRow.id
    )
    with store.database.reading() as connection:
        rows = connection.execute(query).all()
    return {
        row.identity: KnownModel(row.identity, row.recipe, row.created.timestamp(), row.model_id is not None)
        for row in rows
    }


def similar_test_sets(
    store: Store, corpus: str, split: str, sentences: int | None, contents: Collection[str], files: str
) -> list[str]:
    """The revisions of a corpus that test sets have with some of these lines, those with most of them first.

    Args:
        store: the results store.
        corpus: the kind of corpus.
        split: the split.
        sentences: the first so many sentences of each pair.
        contents: hashes of the lines of some pairs.
        files: what the revisions of those begin with that this version gave to files of the same names.
    """
    looked: Iterable[str] = islice(contents, LOOKED_AT)
    count = func.count()
    query = (
        select(TestSetRow.revision)
        .join(TestRow, TestRow.test_set_id == TestSetRow.id)
        .where(
            TestSetRow.corpus == corpus,
            TestSetRow.split == split,
            TestSetRow.sentences.is_not_distinct_from(sentences),
            TestRow.content.in_(list(looked)),
            or_(TestSetRow.identity.startswith("test1-"), TestSetRow.revision.startswith(files, autoescape=True)),
        )
        .group_by(TestSetRow.id, TestSetRow.revision)
        .order_by(count.desc(), TestSetRow.id)
        .limit(CANDIDATES)
    )
    with store.database.reading() as connection:
        return list(connection.execute(query).scalars())
