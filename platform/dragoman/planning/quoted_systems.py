"""Systems whose scores are quoted: those of a plan, and those that are added to a grid that is done."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from dragoman.cell import CellState
from dragoman.errors import SpecError
from dragoman.model import is_quoted
from dragoman.pair import Pair
from dragoman.planning.added_systems import check_known_name, check_test_set, described, templates_of
from dragoman.planning.baselines import declared_graph
from dragoman.planning.plan import Plan
from dragoman.quoted.system import QuotedSystem, read_quoted
from dragoman.quoted.table import QuotedScoreError
from dragoman.spec.baseline import Baseline
from dragoman.store.records import CellRecord, GridRecord, ModelRecord, StoredScore
from dragoman.store.store import Store

KEY = "FILE"
"""The argument of the command that names the table, in errors."""


class AddedScores(NamedTuple):
    """What was added to a grid, or would be."""

    read: QuotedSystem
    """The system as its table has it."""
    pairs: tuple[Pair, ...]
    """The grid's pairs."""
    is_new: bool
    """Whether the grid did not have it."""
    replaced: str | None
    """The id of the system of that name whose place it took."""


def baseline_with_scores(name: str, scores: Mapping[str, Any], trained_on: Any) -> Baseline:
    """The baseline that a command describes, checked as one in a spec is.

    Raises:
        SpecError: it is none.
    """
    return described("scores", {"name": name, "scores": dict(scores), "trained_on": trained_on})


def add_scores(
    store: Store, grid: str, baseline: Baseline, *, replace: bool = False, dry_run: bool = False
) -> AddedScores:
    """Add a system whose scores are quoted to a grid, beside what is asked with its first prompt.

    All or nothing is written. Added again it changes nothing.

    Args:
        store: where the grid is.
        grid: its name.
        baseline: the system, as a spec would name it.
        replace: put it in the place of a quoted system of that name whose scores are others.
        dry_run: only check.

    Raises:
        QuotedScoreError: the table does not fit the grid, or other scores are there under that name.
        StoreError: there is no such grid, or a run works at it.
        DragomanError: the file is not there, or damaged.
    """
    if baseline.scores is None:
        raise SpecError(f"The system {baseline.name} has no table of scores.")
    record, cells = store.grids.get(grid), store.cells.of_grid(grid)
    store.jobs.check_free(grid)
    check_test_set(record, baseline.test_set)
    templates = templates_of(record, cells, baseline)
    read = read_quoted(KEY, baseline.name, baseline.scores, pairs=templates.own, languages=record.languages)
    model = read.identity.id
    before = _of_that_name(store, record, cells, read, replace=replace)
    is_new = model not in record.models
    added = AddedScores(read, tuple(templates.own), is_new, before)
    if dry_run or not is_new:
        if not dry_run:
            store.models.record_graph(model, declared_graph(baseline.trained_on, record.languages))
        return added
    own = [_cell(model, template, read.missing.get(pair)) for pair, template in templates.own.items()]
    own += [_cell(model, template, templates.why_not_of_others) for template in templates.of_others]
    kept = [cell for cell in cells if cell.cell.model != before]
    models = (*(each for each in record.models if each != before), model)
    names = {**{each: name for each, name in record.names.items() if each != before}, model: baseline.name}
    with store.transaction() as inside:
        inside.models.add(ModelRecord(id=model, name=baseline.name, base=record.base, recipe=read.identity.recipe))
        inside.models.record_graph(model, declared_graph(baseline.trained_on, record.languages))
        inside.grids.add(record.model_copy(update={"models": models, "names": names}), [*kept, *own])
        inside.cells.quote(_by_cell(own, read.scores))
    return added


def commit_quoted(plan: Plan, store: Store) -> None:
    """Write the quoted scores of a grid that is in the store; those that are there stay.

    Args:
        plan: the grid.
        store: where it is kept.
    """
    for planned in plan.quoted.values():
        cells = [cell for cell in store.cells.of_grid(plan.spec.name, model=planned.identity.id) if cell.state.is_open]
        store.cells.quote(_by_cell(cells, planned.scores))


def _by_cell(
    cells: list[CellRecord], scores: Mapping[Pair, tuple[StoredScore, ...]]
) -> dict[str, tuple[StoredScore, ...]]:
    return {each.cell.id: scores[each.cell.pair] for each in cells if each.state.is_open and each.cell.pair in scores}


def _of_that_name(
    store: Store, record: GridRecord, cells: list[CellRecord], read: QuotedSystem, *, replace: bool
) -> str | None:
    """The quoted system that has the name, and whose place this one takes; None where there is none."""
    name, model = read.identity.name, read.identity.id
    before = next((each for each, called in record.names.items() if called == name and each != model), None)
    if before is None or model in record.models or not is_quoted(store.models.get(before).recipe):
        check_known_name(record, model, name, "scores")
        return None
    if replace:
        return before
    known = {cell.cell.pair: store.cells.scores(cell.cell.id) for cell in cells if cell.cell.model == before}
    raise QuotedScoreError(
        f"The grid {record.name} has other scores of '{name}': {read.changed(known)}. Give this system another "
        "name, or replace the other (--replace)."
    )


def _cell(model: str, template: CellRecord, reason: str | None) -> CellRecord:
    return CellRecord(
        cell=template.cell.model_copy(update={"model": model}),
        state=CellState.PLANNED if reason is None else CellState.MISSING,
        reason=reason,
        test=template.test,
    )
