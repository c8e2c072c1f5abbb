"""A simulated campaign: many models on every pair of many languages, written to a store the fast way."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

import numpy as np
import pyarrow as pa
from babel.localedata import locale_identifiers
from numpy.typing import NDArray
from sqlalchemy import Connection

from dragoman.language import LanguageError, canonical_tag
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.store.database.bulk_insert import insert_batch, loading
from dragoman.store.database.ids import (
    grid_number,
    metric_number,
    model_number,
    number_or_add,
    pair_numbers,
    signature_number,
)
from dragoman.store.records import DecodingRecord, GridRecord, ModelRecord, PromptRecord, TestSetRecord, now
from dragoman.store.repositories import aggregates
from dragoman.store.schema import PARTITION_IDS, Base, CellRow, ConditionRow, GridPairRow, ScoreRow, TestRow
from dragoman.store.store import Store
from dragoman.store.transfer.score_loader import ScoreLoader

METRICS = ("bleu", "chrf++", "off_target")
SEGMENTS = 1012
Batch = tuple[type[Base], pa.RecordBatch]


@dataclass(frozen=True)
class Campaign:
    """The campaign of some languages and models; the first model is the base."""

    languages: int
    models: int
    seed: int = 1

    @cached_property
    def tags(self) -> list[str]:
        """The languages: the first of those babel knows."""
        found: set[str] = set()
        for identifier in locale_identifiers():
            with suppress(LanguageError):  # constructed languages
                found.add(canonical_tag(identifier.split("_")[0]))
        return sorted(found)[: self.languages]

    @cached_property
    def pairs(self) -> list[Pair]:
        """Every ordered pair."""
        return all_pairs(self.tags)

    @property
    def scores(self) -> int:
        """Scores in the whole campaign."""
        return len(self.pairs) * self.models * len(METRICS)

    @property
    def names(self) -> list[str]:
        """Names of the models."""
        return ["base", *(f"m{number:03}" for number in range(1, self.models))]

    def graph(self, model: int) -> TrainingGraph:
        """A tenth of the pairs among some of the languages; the base saw nothing."""
        if model == 0:
            return TrainingGraph()
        rng = np.random.default_rng([self.seed, model])
        chosen = set(rng.choice(self.tags, size=max(2, int(len(self.tags) * rng.uniform(0.2, 0.9))), replace=False))
        pairs = [pair for pair in self.pairs if pair.source in chosen and pair.target in chosen]
        kept = rng.random(len(pairs)) < 0.1
        return TrainingGraph.of([pair for pair, keep in zip(pairs, kept, strict=True) if keep], 1000)

    def values(self, model: int, partitions: NDArray[np.int16]) -> NDArray[np.float64]:
        """BLEU, chrF++ and off-target rate of every pair: better on seen pairs, and noise.

        Intervals are 1.5 BLEU to either side, so by those alone two models differ on about one pair in twenty; on one
        in fifty a model has a knack, or none, that is seen among forty thousand tests too.
        """
        rng = np.random.default_rng([self.seed, model, 7])
        difficulty = np.random.default_rng(self.seed).uniform(0, 30, len(partitions))
        bleu = difficulty + rng.uniform(0, 1) + np.where(partitions == 1, 8, 0) + rng.normal(0, 0.7, len(partitions))
        bleu += np.where(rng.random(len(partitions)) < 0.02, rng.normal(0, 6, len(partitions)), 0)
        bleu = bleu.clip(0, 100)
        return np.stack([bleu, (bleu * 1.4 + 10).clip(0, 100), (40 - bleu).clip(0, 100)])


def fill(store: Store, campaign: Campaign) -> tuple[float, float]:
    """Write a campaign; returns the seconds the store took and those of making up the data."""
    began, making = time.perf_counter(), 0.0
    names = campaign.names
    identity = {name: f"model1-{sha256(name.encode()).hexdigest()[:32]}" for name in names}
    for number, name in enumerate(names):
        parent = identity["base"] if number else None
        store.models.add(ModelRecord(id=identity[name], name=name, parent=parent, base=parent, recipe={"n": number}))
    started = time.perf_counter()
    graphs = [campaign.graph(number) for number in range(len(names))]
    making += time.perf_counter() - started
    for name, graph in zip(names, graphs, strict=True):
        store.models.record_graph(identity[name], graph)
    store.conditions.add_test_set(
        TestSetRecord(id="test1-flores", corpus="flores", revision="1", split="test", sentences=SEGMENTS)
    )
    store.conditions.add_prompt(PromptRecord(id="prompt1-plain", template="{source}"))
    store.conditions.add_decoding(DecodingRecord(id="decoding1-greedy", settings={"beam": 1}))
    grid = GridRecord(
        name="campaign",
        spec={},
        spec_hash="1",
        models=tuple(identity.values()),
        base=identity["base"],
        metrics=METRICS,
        languages=tuple(campaign.tags),
    )
    store.grids.add(grid, [])
    with store.database.writing(alone=True) as connection, loading(connection, CellRow, ScoreRow):
        pair_ids = pair_numbers(connection, campaign.pairs)
        pairs = np.array([pair_ids[pair] for pair in campaign.pairs], np.int32)
        order = np.argsort(pairs)
        row = {"test_set_id": 1, "edition": 0, "prompt_id": 1, "decoding_id": 1}
        condition = number_or_add(connection, ConditionRow, row)
        grid_id = grid_number(connection, "campaign")
        signatures = _signatures(connection, campaign.pairs)
        for table, batch in _members(grid_id, condition, pairs, campaign):
            insert_batch(connection, table, batch)
        models = {name: model_number(connection, identity[name]) for name in names}
        loader = ScoreLoader(connection, models.values())
        for number, name in enumerate(names):
            started = time.perf_counter()
            partitions = np.array([PARTITION_IDS[graphs[number].partition(pair)] for pair in campaign.pairs], np.int16)
            values = campaign.values(number, partitions)
            batches = list(_batches(models[name], condition, pairs, order, partitions, values, signatures, name))
            making += time.perf_counter() - started
            for table, batch in batches:
                if table is ScoreRow:
                    loader.insert(batch)
                else:
                    insert_batch(connection, table, batch)
        aggregates.recount(connection, models.values())
    if not store.database.is_sqlite:
        with store.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
    return time.perf_counter() - began - making, making


def _members(grid_id: int, condition: int, pairs: NDArray[np.int32], campaign: Campaign) -> Iterator[Batch]:
    one = np.ones(len(pairs), np.int32)
    yield (
        TestRow,
        pa.record_batch(
            {
                "test_set_id": one,
                "pair_id": pairs,
                "edition": one * 0,
                "content": [str(pair) for pair in campaign.pairs],
                "segments": one * SEGMENTS,
            }
        ),
    )
    yield (
        GridPairRow,
        pa.record_batch({"grid_id": one * grid_id, "condition_id": one * condition, "pair_id": np.sort(pairs)}),
    )


def _signatures(connection: Connection, pairs: list[Pair]) -> dict[int, NDArray[np.int32]]:
    found: dict[int, NDArray[np.int32]] = {}
    for metric in METRICS:
        metric_id = metric_number(connection, metric)
        plain = signature_number(connection, metric_id, f"{metric}|tok:13a")
        special = {
            tag: signature_number(connection, metric_id, f"{metric}|tok:{tag}") for tag in ("ja", "ko", "zh-Hans")
        }
        kept = special if metric == "bleu" else {}
        found[metric_id] = np.array([kept.get(pair.target, plain) for pair in pairs], np.int32)
    return found


def _batches(
    model: int,
    condition: int,
    pairs: NDArray[np.int32],
    order: NDArray[np.intp],
    partitions: NDArray[np.int16],
    values: NDArray[np.float64],
    signatures: dict[int, NDArray[np.int32]],
    name: str,
) -> Iterator[Batch]:
    one = np.ones(len(pairs), np.int32)
    key = {"model_id": one * model, "condition_id": one * condition}
    yield (
        CellRow,
        pa.record_batch(
            {
                **key,
                "pair_id": pairs[order],
                "partition_id": partitions[order],
                "identity": [f"cell1-{sha256(f'{name}{pair}'.encode()).hexdigest()[:32]}" for pair in pairs[order]],
                "state": ["done"] * len(pairs),
                "hypotheses": [f"{model}-{pair}" for pair in pairs[order]],
                "segments": one * SEGMENTS,
                "tokens": one * SEGMENTS * 20,
                "cut": one * 0,
                "attempts": one,
                "updated": [now().isoformat(" ")] * len(pairs),
            }
        ),
    )
    for place, (metric, signature) in enumerate(signatures.items()):
        width = 1.5 if place < 2 else 1.0
        yield (
            ScoreRow,
            pa.record_batch(
                {
                    **key,
                    "metric_id": one * metric,
                    "pair_id": pairs[order],
                    "signature_id": signature[order],
                    "partition_id": partitions[order],
                    "value": values[place][order],
                    "low": values[place][order] - width,
                    "high": values[place][order] + width,
                }
            ),
        )
