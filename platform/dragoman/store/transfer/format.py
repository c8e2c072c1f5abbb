"""Schema of an exported grid: Parquet tables and records keyed by names and identities, not by database ids."""

from typing import Any, Self

import pyarrow as pa

from dragoman.cell import Cell, CellState
from dragoman.pair import Pair
from dragoman.partition import Evidence, TrainingGraph
from dragoman.store.line_keys import LineKeys
from dragoman.store.records import CellRecord, DecodingRecord, ModelRecord, PromptRecord, Record, TestSetRecord

CELLS = pa.schema(
    [
        *((name, pa.string()) for name in ("model", "test_set", "content", "source", "target", "prompt", "decoding")),
        *((name, pa.string()) for name in ("state", "reason", "hypotheses", "test", "engine")),
        *((name, pa.int64()) for name in ("segments", "tokens", "cut", "too_long", "attempts")),
        ("seconds", pa.float64()),
    ]
)
"""One row for each cell."""

SCORES = pa.schema(
    [
        *((name, pa.string()) for name in ("cell", "metric", "signature")),
        *((name, pa.float64()) for name in ("value", "low", "high")),
        ("statistics", pa.binary()),
    ]
)
"""One row for each score, by the identity of its cell."""

SPANS = pa.schema([*((name, pa.string()) for name in ("cell", "metric", "signature")), ("spans", pa.binary())])
"""One row for each score whose metric marks errors; files of earlier versions have none."""

UNSCORABLE = pa.schema([(name, pa.string()) for name in ("cell", "metric", "reason")])
"""One row for each metric that can't score a cell."""


KEYS = pa.schema(
    [
        *((name, pa.string()) for name in ("test_set", "source", "target", "content")),
        *((name, pa.binary()) for name in LineKeys._fields),
    ]
)
"""One row for the test lines of each pair that have keys."""

LABELS = pa.schema(
    [
        *((name, pa.string()) for name in ("test_set", "source", "target", "content", "name")),
        ("of_lines", pa.binary()),
    ]
)
"""One row for each label of the test lines of each pair."""


SPANS_FILE = "spans.parquet"
"""The member of error spans."""

JUDGEMENTS = "judgements.json"
"""The member of human judgements, by the ids of cells."""

CAMPAIGNS = "judgement_campaigns.json"
"""The member of the campaigns that they are of."""


class PortableModel(Record):
    """A model with its own training graph; what it inherits follows from its parent's."""

    id: str
    """Its identity."""
    name: str
    """Its name in tables."""
    parent: str | None
    """Id of the model it was finetuned from."""
    base: str | None
    """Id of the model its gains are measured against."""
    recipe: dict[str, Any]
    """What the identity is the hash of."""
    seed: int | None
    """Seed of its training."""
    evidence: Evidence
    """Evidence of its own training pairs."""
    examples: list[tuple[str, str, int]]
    """Source, target and number of examples of its own training pairs."""
    training: dict[str, Any] | None
    """Its finetuning report."""

    @classmethod
    def of(cls, model: ModelRecord, own: TrainingGraph, training: dict[str, Any] | None) -> Self:
        """A model as it is exported."""
        examples = [(pair.source, pair.target, count) for pair, count in own.examples.items()]
        fields = model.model_dump(exclude={"graph"})
        return cls(**fields, evidence=own.evidence, examples=examples, training=training)

    @property
    def record(self) -> ModelRecord:
        """The model without its graph."""
        return ModelRecord(**self.model_dump(exclude={"evidence", "examples", "training"}))

    @property
    def own_graph(self) -> TrainingGraph:
        """Its own training graph."""
        examples = {Pair(source, target): count for source, target, count in self.examples}
        return TrainingGraph(examples=examples, evidence=self.evidence)


class Conditions(Record):
    """The test sets, prompts and decodings that cells refer to."""

    test_sets: list[TestSetRecord]
    """Test sets."""
    prompts: list[PromptRecord]
    """Prompts."""
    decodings: list[DecodingRecord]
    """Decodings."""


def cell_row(record: CellRecord) -> dict[str, Any]:
    """A cell as a row of `CELLS`; what was running is planned again elsewhere."""
    row = record.cell.model_dump(exclude={"pair"}) | record.model_dump(exclude={"cell"}, mode="json")
    state = CellState.PLANNED if record.state.is_open else record.state
    return row | {"source": record.cell.pair.source, "target": record.cell.pair.target, "state": state.value}


def cell_record(row: dict[str, Any]) -> CellRecord:
    """The cell of a row."""
    pair = Pair(row["source"], row["target"])
    cell = Cell(pair=pair, **{name: row[name] for name in ("model", "test_set", "content", "prompt", "decoding")})
    return CellRecord(cell=cell, **{name: row.get(name) for name in CellRecord.model_fields if name != "cell"})
