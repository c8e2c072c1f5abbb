"""Adoption of earlier versions' results: a plan under the identities that the results store has it under.

Identities depend on more since, and on less: settings of the base and the middle of large files count, files of other
pairs don't. What was done under an earlier identity, and would be the same again, is not done again.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from dragoman.cell import CellState
from dragoman.identity import canonical_json
from dragoman.model import ModelIdentity
from dragoman.planning.pivot_systems import pivot_identity
from dragoman.planning.plan import Plan, PlannedTraining, spec_meaning
from dragoman.planning.planned_test_set import PlannedTestSet
from dragoman.planning.test_set import LEFT_OUT, TestSet, id_of_tested
from dragoman.spec.grid import GridSpec
from dragoman.spec.sentences import SentenceSample
from dragoman.store import migrations
from dragoman.store.database.connection import Database
from dragoman.store.jobs.measured_rates import cell_states
from dragoman.store.repositories.known import KnownModel, known_models, similar_test_sets
from dragoman.store.store import Store

_TRANSLATED = (CellState.DONE, CellState.UNSCORABLE)


def adopt_from(plan: Plan, store_url: str, blobs_url: str) -> Plan:
    """The plan under a store's identities (`adopt`), if there is a store; none is created."""
    if not migrations.exists(Database(store_url)):
        return plan
    store = Store.open_existing(store_url, blobs_url)
    try:
        return adopt(plan, store)
    finally:
        store.close()


def adopt(plan: Plan, store: Store) -> Plan:
    """The plan with the earlier identities of its models, its test sets and itself, where those are done and hold.

    An earlier identity of a model holds if what it did not see was last written to before the model was recorded. A
    test set is its lines: of those that have lines of the plan, the one that most of its cells are done under.
    """
    known = known_models(store)
    base = _adopted(plan.base, known)
    baselines = tuple(
        planned.model_copy(update={"identity": _adopted(planned.identity, known)}) for planned in plan.baselines
    )
    trainings = tuple(_adopted_training(training, base, known) for training in plan.trainings)
    plan = _with_pivots(_copy(plan, base=base, baselines=baselines, trainings=trainings))
    return _with_known_id(_with_known_test_sets(plan, store), store)


def _with_pivots(plan: Plan) -> Plan:
    """The plan with the pivot systems of the models as they are called now."""
    models = {each.name: each for each in plan.models if each.id not in plan.pivots}
    models[plan.base.name] = plan.base
    renamed = [
        planned.model_copy(
            update={"identity": pivot_identity(plan.spec, planned.baseline, models[planned.baseline.pivot.model])}
        )
        if planned.baseline.pivot
        else planned
        for planned in plan.baselines
    ]
    return _copy(plan, baselines=tuple(renamed)) if plan.pivots else plan


def _copy(plan: Plan, **changes: Any) -> Plan:
    """A copy of the plan with changes, without its cached properties."""
    return Plan(**{**{name: getattr(plan, name) for name in Plan.model_fields}, **changes})


def _adopted(identity: ModelIdentity, known: Mapping[str, KnownModel]) -> ModelIdentity:
    former = identity.former
    if former is None or identity.id in known or former.id not in known:
        return identity
    if known[former.id].created < former.unseen:
        return identity
    return identity.model_copy(update={"recipe": former.recipe, "former": None})


def _adopted_training(
    training: PlannedTraining, base: ModelIdentity, known: Mapping[str, KnownModel]
) -> PlannedTraining:
    identity = training.identity.model_copy(update={"parent": base.id})
    former = identity.former
    if former is not None and not (identity.id in known and known[identity.id].is_trained):
        for model in known.values():
            at = former.unseen if model.id == former.id else max(former.unseen, former.touched)
            alike = model.id == former.id or _without_files(model.recipe) == _without_files(former.recipe)
            if model.is_trained and at <= model.created and alike:
                identity = identity.model_copy(update={"recipe": model.recipe, "former": None})
                break
    return training.model_copy(update={"identity": identity})


def _without_files(recipe: Mapping[str, Any]) -> str:
    """An earlier version's recipe without the hash of all files of its corpus; margin and pivot, behind it, stay."""
    corpus = dict(recipe.get("corpus", {}))
    corpus["revision"] = str(corpus.get("revision")).partition("+")[2]
    return canonical_json({**recipe, "corpus": corpus})


def _with_known_test_sets(plan: Plan, store: Store) -> Plan:
    """The plan with each of its test sets under the identity that most of its cells are done under."""
    for place, planned in enumerate(plan.test_sets):
        plan = _with_known_test_set(plan, place, planned, store)
    return plan


def _with_known_test_set(plan: Plan, place: int, planned: PlannedTestSet, store: Store) -> Plan:
    test = planned.test_set
    # earlier versions drew no samples and left nothing out
    if not test.is_by_lines or isinstance(test.sentences, SentenceSample) or planned.left_out:
        return plan
    # where two test sets have files of one name, the name of one stands after theirs
    files = test.revision.removesuffix(f", {planned.name}")
    taken = {each.id for each in plan.test_sets if each.id != planned.id}
    others = [
        other
        for revision in similar_test_sets(
            store, test.corpus, test.split, test.sentences, planned.contents.values(), files
        )
        if f", {LEFT_OUT} " not in revision
        for other in [TestSet(corpus=test.corpus, revision=revision, split=test.split, sentences=test.sentences)]
        if other.id not in taken | {planned.id}
    ]
    states = cell_states(store, [model.id for model in plan.models]) if others else {}
    best, most = plan, _done(plan, states) if states else 0
    for other in others if states else ():
        tested = planned.tested.model_copy(update={"id": id_of_tested(other, planned.contents)})
        named = planned.model_copy(update={"test_set": other, "tested": tested})
        candidate = _copy(plan, test_sets=(*plan.test_sets[:place], named, *plan.test_sets[place + 1 :]))
        if (done := _done(candidate, states)) > most:
            best, most = candidate, done
    return best


def _done(plan: Plan, states: Mapping[str, CellState]) -> int:
    return Counter(states.get(cell.id) in _TRANSLATED for cell in plan.cells())[True]


def _with_known_id(plan: Plan, store: Store) -> Plan:
    for grid in store.grids.all():
        if grid.name != plan.spec.name or grid.spec_hash == plan.id:
            continue
        try:
            same = spec_meaning(GridSpec.from_store(grid.spec)) == spec_meaning(plan.spec)
        except ValidationError:  # a later version rejects the recipe this one was made from
            continue
        if same and grid.base == plan.base.id and {model.id for model in plan.models} == set(grid.models):
            return _copy(plan, known_as=grid.spec_hash)
    return plan
