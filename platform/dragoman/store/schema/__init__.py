"""The tables of the results store; docs/store.md describes them for people who write SQL."""

from dragoman.store.schema.alignment import AlignmentRow, LikelihoodRow
from dragoman.store.schema.audit import AuditRow
from dragoman.store.schema.base import Base
from dragoman.store.schema.contamination import ContaminationRow
from dragoman.store.schema.evaluation import (
    CellCountRow,
    CellRow,
    ConditionRow,
    DecodingRow,
    MetricRow,
    PromptRow,
    ScoreRow,
    SignatureRow,
    StatisticsRow,
    TestKeysRow,
    TestLabelsRow,
    TestRow,
    TestSetRow,
    UnscorableRow,
    cell_rules,
)
from dragoman.store.schema.grids import (
    GridMetricRow,
    GridModelRow,
    GridPairRow,
    GridRow,
    GridTestSetRow,
    PartitionSumRow,
    ScoreSumRow,
)
from dragoman.store.schema.jobs import JobLineRow, JobRow
from dragoman.store.schema.judgements import JudgementCampaignRow, JudgementRow, JudgementSpanRow
from dragoman.store.schema.lineage import (
    PARTITION_IDS,
    PARTITIONS,
    UNSEEN_IDS,
    LanguageRow,
    ModelRow,
    PairRow,
    PartitionRow,
    TrainingPairRow,
    TrainingRow,
)

__all__ = [
    "PARTITIONS",
    "PARTITION_IDS",
    "UNSEEN_IDS",
    "AlignmentRow",
    "AuditRow",
    "Base",
    "CellCountRow",
    "CellRow",
    "ConditionRow",
    "ContaminationRow",
    "DecodingRow",
    "GridMetricRow",
    "GridModelRow",
    "GridPairRow",
    "GridRow",
    "GridTestSetRow",
    "JobLineRow",
    "JobRow",
    "JudgementCampaignRow",
    "JudgementRow",
    "JudgementSpanRow",
    "LanguageRow",
    "LikelihoodRow",
    "MetricRow",
    "ModelRow",
    "PairRow",
    "PartitionRow",
    "PartitionSumRow",
    "PromptRow",
    "ScoreRow",
    "ScoreSumRow",
    "SignatureRow",
    "StatisticsRow",
    "TestKeysRow",
    "TestLabelsRow",
    "TestRow",
    "TestSetRow",
    "TrainingPairRow",
    "TrainingRow",
    "UnscorableRow",
    "cell_rules",
]
