"""Write a plan into the store: models, test lines, and every cell with its state so far."""

from collections.abc import Mapping
from itertools import chain
from typing import NamedTuple

from dragoman.cell import Cell, CellState
from dragoman.pair import Pair
from dragoman.planning.added_systems import kept_systems
from dragoman.planning.few_shot import Drawn, draw_for
from dragoman.planning.pivot_systems import every_leg
from dragoman.planning.plan import Plan
from dragoman.planning.planned_test_set import PlannedTestSet
from dragoman.planning.training_data import contamination_records
from dragoman.spec.sentences import SentenceSample
from dragoman.store.line_keys import LineKeys
from dragoman.store.line_labels import Labels, labels_of
from dragoman.store.records import (
    CellRecord,
    DecodingRecord,
    GridRecord,
    ModelRecord,
    PromptRecord,
    TestSetRecord,
)
from dragoman.store.store import Store


def register(plan: Plan, store: Store) -> tuple[Drawn, dict[str, int]]:
    """Write a grid into the store; what is there stays as it is.

    Returns:
        What few-shot prompts show, by prompt and pair, and the characters to translate of each blob of test lines.
    """
    store.models.add(ModelRecord(id=plan.base.id, name="base", recipe=plan.base.recipe))
    store.models.record_graph(plan.base.id, plan.base_graph)
    for other in plan.baselines:
        if other.identity.id in plan.pivots:
            continue
        identity = other.identity
        store.models.add(ModelRecord(id=identity.id, name=identity.name, base=plan.base.id, recipe=identity.recipe))
        store.models.record_graph(identity.id, other.graph)
    for training in plan.trainings:
        identity = training.identity
        store.models.add(
            ModelRecord(
                id=identity.id,
                name=identity.name,
                parent=plan.base.id,
                base=plan.base.id,
                recipe=identity.recipe,
                seed=identity.seed,
            )
        )
    for system in plan.pivots.values():
        identity = system.identity
        store.models.add(
            ModelRecord(
                id=identity.id,
                name=identity.name,
                parent=identity.parent,
                base=plan.base.id,
                recipe=identity.recipe,
            )
        )
        # it has seen what the model of its legs has
        store.models.record_graph(identity.id, system.graph)
    for test_set in plan.test_sets:
        store.conditions.add_test_set(_test_set(test_set))
    for prompt in plan.prompts:
        store.conditions.add_prompt(PromptRecord(id=prompt.id, template=prompt.shown))
    decodings = {plan.decoding_of(model.id, test_set) for model in plan.models for test_set in plan.test_sets}
    for decoding in sorted({each.id: each for each in decodings}.values(), key=lambda each: each.id):
        store.conditions.add_decoding(DecodingRecord(id=decoding.id, settings=decoding.meaning))
    kept = kept_systems(plan, store)
    drawn, undemonstrated = draw_for(plan.prompts, [*plan.with_text, *every_leg(plan.spec, plan.pairs)])
    stored = {test_set.id: _store_test_lines(test_set, store) for test_set in plan.test_sets}
    record = GridRecord(
        name=plan.spec.name,
        spec=plan.spec.model_dump(mode="json"),
        spec_hash=plan.id,
        models=(*(model.id for model in plan.models), *kept),
        base=plan.base.id,
        metrics=plan.spec.evaluation.metric_names,
        languages=plan.spec.languages,
        names={**{model.id: model.name for model in plan.models}, **{model: name for model, (name, _) in kept.items()}},
        test_sets={each.id: each.name for each in plan.test_sets if each.name is not None},
    )
    cells = (
        CellRecord(
            cell=cell,
            state=CellState.PLANNED if reason is None else CellState.MISSING,
            reason=reason,
            test=stored[cell.test_set].addresses.get(cell.pair),
            segments=stored[cell.test_set].counts.get(cell.pair),
        )
        for cell in plan.cells()
        for reason in [_why_missing(plan, cell, undemonstrated)]
    )
    store.grids.add(record, chain(cells, (cell for _, own in kept.values() for cell in own)))
    for test_set in plan.test_sets:
        store.conditions.add_keys(test_set.id, stored[test_set.id].keys)
        store.conditions.add_labels(test_set.id, stored[test_set.id].labels)
        for training in plan.trainings:
            if training.text:
                records = contamination_records(training, test_set)
                store.contamination.record(training.identity.id, test_set.id, records)
    return drawn, {address: size for each in stored.values() for address, size in each.sizes.items()}


def _why_missing(plan: Plan, cell: Cell, undemonstrated: Mapping[tuple[str, Pair], str]) -> str | None:
    """Why a cell can't be translated; None where nothing speaks against it."""
    known = plan.why_missing(cell.model, cell.prompt, plan.tested_on(cell), cell.pair)
    return known or (None if cell.model in plan.from_elsewhere else undemonstrated.get((cell.prompt, cell.pair)))


class _TestLines(NamedTuple):
    """The lines of a test set, as they are stored."""

    addresses: dict[Pair, str]
    """The blob of each pair's lines."""
    counts: dict[Pair, int]
    """How many they are."""
    keys: dict[tuple[Pair, str], LineKeys]
    """Their keys, by pair and content hash."""
    labels: dict[tuple[Pair, str], Labels]
    """Their labels, likewise."""
    sizes: dict[str, int]
    """The characters to translate of each blob."""


def _store_test_lines(test_set: PlannedTestSet, store: Store) -> _TestLines:
    """Store the lines of a test set in blobs."""
    lines, stored = test_set.lines, _TestLines({}, {}, {}, {}, {})
    for pair, content in test_set.contents.items():
        located = lines.located(pair)
        sources = [line.segment.source for line in located]
        references = [line.segment.target for line in located]
        address = store.blobs.put_test(sources, references, [line.references for line in located])
        stored.addresses[pair], stored.counts[pair] = address, len(located)
        stored.sizes[address] = sum(map(len, sources))
        stored.keys[pair, content] = LineKeys.of(pair, located)
        stored.labels[pair, content] = labels_of(located)
    return stored


def _test_set(planned: PlannedTestSet) -> TestSetRecord:
    test, sentences = planned.test_set, planned.test_set.sentences
    sample = sentences if isinstance(sentences, SentenceSample) else None
    return TestSetRecord(
        id=test.id,
        corpus=test.corpus,
        revision=test.revision,
        split=test.split,
        sentences=sample.n if sample else sentences,
        seed=sample.seed if sample else None,
    )
