"""The seven partitions as one SQL expression over the stored training graph."""

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, case, exists, literal, or_, select
from sqlalchemy.orm import aliased

from dragoman.partition import Evidence, Partition
from dragoman.store.schema import PARTITION_IDS, ModelRow, TrainingPairRow

Text = SQLColumnExpression[str]


def partition_id(model_id: SQLColumnExpression[int], source: Text, target: Text) -> ColumnElement[int]:
    """The number of a pair's partition under a model's graph (`schema.PARTITIONS`); 0 where the graph is unknown.

    The SQL form of `TrainingGraph.partition`: each rule is a lookup in an index of `training_pair`, so it
    takes any pair, stored or not, in any query.

    Args:
        model_id: the model's number; a column or a bound value.
        source: the pair's source language.
        target: the pair's target language.
    """

    def trained(source: Text | None = None, target: Text | None = None) -> ColumnElement[bool]:
        pair = aliased(TrainingPairRow)
        rules = [pair.model_id == model_id]
        if source is not None:
            rules.append(pair.source == source)
        if target is not None:
            rules.append(pair.target == target)
        return exists(select(literal(1)).where(*rules).correlate_except(pair))

    known = exists(
        select(literal(1))
        .where(ModelRow.id == model_id, ModelRow.evidence != Evidence.UNKNOWN)
        .correlate_except(ModelRow)
    )
    source_known = or_(trained(source=source), trained(target=source))
    target_known = or_(trained(target=target), trained(source=target))
    rules = [
        (~known, None),
        (trained(source, target), Partition.SEEN),
        (trained(target, source), Partition.REVERSED),
        (and_(trained(source=source), trained(target=target)), Partition.RECOMBINED),
        (and_(source_known, target_known), Partition.ONE_SIDED),
        (target_known, Partition.UNSEEN_SOURCE),
        (source_known, Partition.UNSEEN_TARGET),
    ]
    return case(
        *((rule, literal(PARTITION_IDS[partition])) for rule, partition in rules),
        else_=literal(PARTITION_IDS[Partition.UNSEEN_BOTH]),
    )
