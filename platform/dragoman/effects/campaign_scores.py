"""The scores of a campaign's finetuned models as arrays of models by pairs, beside those of their bases."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from dragoman.analysis.campaigns import grids_of
from dragoman.analysis.cells_hash import cells_hash, cells_of
from dragoman.analysis.comparability import Looked, comparable_signatures
from dragoman.analysis.line_slice import reading
from dragoman.analysis.pair_scores import Numbers, PairColumns, read_columns
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice
from dragoman.analysis.systems import metric_names
from dragoman.effects.draws import draws_of
from dragoman.errors import StoreError, nearest
from dragoman.pair import Pair
from dragoman.partition import Evidence, TrainingGraph
from dragoman.store.records import ModelRecord
from dragoman.store.schema import ConditionRow, GridPairRow
from dragoman.store.store import Store

Value = Literal["score", "gain"]
"""What is explained: the score, or the score less the base's on the same pair."""


@dataclass(frozen=True, slots=True)
class CampaignQuestion:
    """Scores of one metric over the grids of a campaign; what its fields mean is said of `ScoreQuestion`."""

    name: str
    """Name of the campaign, or of a single grid."""
    grids: tuple[str, ...]
    """Its grids."""
    metric: str
    """Name of the metric."""
    _: KW_ONLY
    value: Value = "score"
    """What is explained."""
    signature: str | None = None
    """Text that the signatures must hold."""
    prompt: str | None = None
    """The prompt."""
    test_set: str | None = None
    """The test set."""
    decoding: str | None = None
    """Text of the decoding."""
    lines: str | None = None
    """The slice of the test set."""
    models: tuple[str, ...] = ()
    """Only the finetuned models of these names in their grids, whatever their seeds; all by default."""

    @classmethod
    def of(
        cls, store: Store, name: str, metric: str | None = None, *, grids: Sequence[str] = (), **rest: Any
    ) -> "CampaignQuestion":
        """The question about a campaign, or a grid, by name.

        Args:
            store: the store.
            name: name of the campaign, or of a grid.
            metric: the metric; by default the first of the first grid.
            grids: only these of its grids; all by default.
            rest: the other fields.

        Raises:
            StoreError: there is no such campaign, grid or metric.
        """
        every = grids_of(store, name)
        for grid in grids:
            if grid not in every:
                raise StoreError(f"'{name}' has no grid '{grid}'; {nearest(grid, every)}")
        chosen = tuple(grid for grid in every if not grids or grid in grids)
        known = metric_names(store, chosen[0])
        if metric is None and not known:
            raise StoreError(f"Grid '{chosen[0]}' has no scores: `dragoman score {chosen[0]} --metric METRIC`.")
        return cls(name, chosen, metric or known[0], **rest)

    def is_of(self, model: ModelRecord) -> bool:
        """Whether it is about a model, by its name."""
        return not self.models or not {model.name, model.name.removesuffix(f"-seed{model.seed}")}.isdisjoint(
            self.models
        )

    def of_grid(self, grid: str) -> ScoreQuestion:
        """The question about one of the grids."""
        return ScoreQuestion(
            grid,
            self.metric,
            signature=self.signature,
            prompt=self.prompt,
            test_set=self.test_set,
            decoding=self.decoding,
            lines=self.lines,
        )


@dataclass(frozen=True)
class CampaignModel:
    """A finetuned model of a campaign."""

    grid: str
    """The first of the campaign's grids that has it."""
    name: str
    """Its name there."""
    record: ModelRecord
    """The model, with all it has seen."""
    own: TrainingGraph
    """What it was finetuned on itself."""
    number: int
    """Its number in the store."""
    base: int
    """Its base's."""
    seed_of_pairs: int | None = None
    """The seed that its pairs were drawn with, by the grid's specification; None where they were not drawn."""

    @property
    def system(self) -> str:
        """Its name in the campaign."""
        return f"{self.grid}/{self.name}"


@dataclass(frozen=True)
class CampaignScores:
    """The scores of finetuned models on pairs; rows are models, columns pairs, NaN where there is no score."""

    question: CampaignQuestion
    """What was asked."""
    models: tuple[CampaignModel, ...]
    """The models, each once."""
    pairs: tuple[Pair, ...]
    """The pairs, sorted."""
    own: Numbers
    """Their scores."""
    bases: Numbers
    """The scores of their bases on the same pairs, under the same signatures."""
    partitions: NDArray[np.int8]
    """The partition of each pair under each model, by its number in the store; 0 where there is no cell."""
    parts: Mapping[str, Slice] = field(repr=False)
    """The slice of each grid."""
    columns: tuple[PairColumns, ...] = field(repr=False)
    """The columns that each model was read from; the first of its grids'."""
    signatures: tuple[str, ...]
    """Signatures of the scores."""
    cells: str
    """Hash of the scored cells."""
    notes: tuple[str, ...]
    """What was left out, as sentences."""

    @property
    def values(self) -> Numbers:
        """What is explained: scores, or gains."""
        return self.own if self.question.value == "score" else self.own - self.bases

    @property
    def gains(self) -> Numbers:
        """The scores less the bases'."""
        return self.own - self.bases

    @cached_property
    def draws(self) -> tuple[int, ...]:
        """The draw of training pairs that each model is of, by number."""
        return draws_of(
            [model.own.pairs for model in self.models],
            frozenset(self.pairs),
            [model.seed_of_pairs for model in self.models],
        )

    @property
    def draw_count(self) -> int:
        """How many draws there are."""
        return len(set(self.draws))


def read_campaign(store: Store, question: CampaignQuestion, *, fewest: int = 2) -> CampaignScores:
    """Read the scores of a campaign's finetuned models, whose training is known.

    Args:
        store: the store.
        question: the question.
        fewest: how many models it takes.

    Raises:
        StoreError: something named is not there, there are fewer such models with scores, or scores would be
            mixed that can't be compared.
    """
    records = {grid: store.models.of_grid(grid) for grid in question.grids}
    owns = {model.id: store.models.own_graph(model.id) for of_grid in records.values() for model in of_grid}
    # a system that asks another model has a parent too, and was trained on no pair itself
    tuned = {
        grid: [model for model in of_grid if None not in (model.parent, model.base) and _is_trained(owns[model.id])]
        for grid, of_grid in records.items()
    }
    _require_names(question, tuned)
    tuned = {grid: [model for model in of_grid if question.is_of(model)] for grid, of_grid in tuned.items()}
    grids = [grid for grid in question.grids if tuned[grid]]
    if not grids:
        raise StoreError(f"'{question.name}' has no finetuned model: give a campaign, or a grid that trains models.")
    unknown = [
        f"{grid}/{model.name}" for grid in grids for model in tuned[grid] if model.graph.evidence is Evidence.UNKNOWN
    ]
    seeds = {grid: _seeds_of_pairs(store.grids.get(grid).spec, [model.name for model in tuned[grid]]) for grid in grids}
    first, *others = grids
    with reading(store, question.of_grid(first), *(f"{grid}/" for grid in others)) as connection:
        parts = _slices(connection, question, {grid: [model.name for model in tuned[grid]] for grid in grids})
        found: dict[int, tuple[CampaignModel, list[PairColumns]]] = {}
        for grid in grids:
            part = parts[grid]
            for record in tuned[grid]:
                number = part.models[record.name]
                if record.graph.evidence is Evidence.UNKNOWN:
                    continue
                columns = read_columns(connection, part, model_id=number, other_id=part.base_id)
                if number in found:
                    found[number][1].append(columns)
                elif not np.isnan(columns.own.values).all():
                    seed = seeds[grid].get(record.name)
                    model = CampaignModel(grid, record.name, record, owns[record.id], number, part.base_id, seed)
                    found[number] = (model, [columns])
        bases = {model.base for model, _ in found.values()}
        cells = set[str]()
        for part in parts.values():
            cells |= cells_of(connection, part, found.keys() | bases)
    if len(found) < fewest:
        raise StoreError(
            f"'{question.name}' has {len(found) or 'no'} finetuned model{'s' if len(found) != 1 else ''} with "
            f"{question.metric} scores and known training, and this takes {fewest}: train models on other pairs, as a "
            "sweep over `models.NAME.pairs` does, or name the campaign instead of one of its grids."
        )
    notes = [f"Left out, as what they were trained on is unknown: {', '.join(unknown)}."] if unknown else []
    return _arrays(question, [*found.values()], parts, cells_hash(cells), notes)


def _is_trained(own: TrainingGraph) -> bool:
    """Whether a model was finetuned on pairs itself, as far as it is known."""
    return bool(own.pairs) or own.evidence is Evidence.UNKNOWN


def _require_names(question: CampaignQuestion, tuned: Mapping[str, Sequence[ModelRecord]]) -> None:
    """Refuse names of models that no grid has.

    Raises:
        StoreError: there is one.
    """
    known = {name for models in tuned.values() for model in models
             for name in (model.name, model.name.removesuffix(f"-seed{model.seed}"))}  # fmt: skip
    for name in question.models:
        if name not in known:
            raise StoreError(f"'{question.name}' has no finetuned model '{name}'; {nearest(name, known)}")


def _seeds_of_pairs(spec: Mapping[str, Any], names: Sequence[str]) -> dict[str, int]:
    """The seeds that models' pairs were drawn with, by their names."""
    found = dict[str, int]()
    for model in spec.get("models") or ():
        pairs = model.get("pairs")
        if isinstance(pairs, Mapping) and pairs.get("sample") is not None:
            of_model = [name for name in names if name == model["name"] or name.startswith(f"{model['name']}-seed")]
            found |= dict.fromkeys(of_model, int(pairs.get("seed", 1)))
    return found


def _slices(
    connection: Connection, question: CampaignQuestion, models: Mapping[str, Sequence[str]]
) -> dict[str, Slice]:
    """The slice of each grid, of scores that can be mixed."""
    parts = {grid: Slice.of(connection, question.of_grid(grid), names) for grid, names in models.items()}
    _require_alike(connection, parts)
    looked = [
        Looked(grid, part.grid_id, part.conditions, {*part.models.values(), part.base_id}, part.base_id)
        for grid, part in parts.items()
    ]
    metric_id = next(iter(parts.values())).metric_id
    signatures = comparable_signatures(connection, question.metric, metric_id, looked, question.signature)
    return {grid: part._replace(signatures=signatures) for grid, part in parts.items()}


def _require_alike(connection: Connection, parts: Mapping[str, Slice]) -> None:
    """Refuse grids whose cells were translated under different conditions, or from different text.

    Raises:
        StoreError: they were.
    """
    used = {grid: set(part.conditions) for grid, part in parts.items()}
    query = select(ConditionRow).where(ConditionRow.id.in_(set().union(*used.values())))
    conditions = {row.id: row for row in connection.execute(query)}
    for what, key in (("test set", "test_set_id"), ("prompt", "prompt_id"), ("decoding", "decoding_id")):
        held = {grid: {getattr(conditions[number], key) for number in numbers} for grid, numbers in used.items()}
        if len({frozenset(each) for each in held.values()}) > 1:
            apart = Counter(frozenset(each) for each in held.values())
            one, two = list(apart)[:2]
            names = [next(grid for grid, each in held.items() if each == kind) for kind in (one, two)]
            raise StoreError(
                f"The grids {' and '.join(names)} were run with different {what}s, and their scores are not mixed: "
                "choose one that all have by its option, or name the grids that are alike with --grid."
            )
    text_of: dict[int, int] = {}
    for grid, part in parts.items():
        pairs = select(GridPairRow.pair_id, GridPairRow.condition_id).where(
            GridPairRow.grid_id == part.grid_id, GridPairRow.condition_id.in_(part.conditions)
        )
        for pair, condition in connection.execute(pairs):
            if text_of.setdefault(pair, condition) != condition:
                raise StoreError(
                    f"The text of a pair in grid '{grid}' is another than in the grids before it, as the corpus "
                    "changed without a new revision: name the grids that are alike with --grid."
                )


def _arrays(
    question: CampaignQuestion,
    found: Sequence[tuple[CampaignModel, Sequence[PairColumns]]],
    parts: Mapping[str, Slice],
    cells: str,
    notes: Sequence[str],
) -> CampaignScores:
    pairs = sorted({pair for _, columns in found for each in columns for pair in each.pairs})
    place = {pair: number for number, pair in enumerate(pairs)}
    own, bases = np.full((2, len(found), len(pairs)), np.nan)
    partitions = np.zeros((len(found), len(pairs)), np.int8)
    for row, (_, columns) in enumerate(found):
        for each in columns:
            at = [place[pair] for pair in each.pairs]
            known = ~np.isnan(each.own.values)
            own[row, at] = np.where(known, each.own.values, own[row, at])
            bases[row, at] = np.where(known, each.other.values, bases[row, at])
            partitions[row, at] = each.partitions
    said = [*notes]
    if question.value == "gain" and np.isnan(bases[~np.isnan(own)]).all():
        raise StoreError(
            f"'{question.name}' has no {question.metric} scores of the base, so there are no gains: ask for scores "
            "(`--of score`), or evaluate the base (`evaluation.base: true`)."
        )
    if (holes := int(np.isnan(own).sum())) > 0:
        said.append(f"{holes} of {own.size} cells of these models have no score, and are left out.")
    return CampaignScores(
        question=question,
        models=tuple(model for model, _ in found),
        pairs=tuple(pairs),
        own=own,
        bases=bases,
        partitions=partitions,
        parts=dict(parts),
        columns=tuple(columns[0] for _, columns in found),
        signatures=tuple(sorted({text for _, columns in found for each in columns for text in each.signatures})),
        cells=cells,
        notes=tuple(said),
    )
