"""Systems that are added to a grid that is done: translations from files, without the grid's spec, corpus or models."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from dragoman.cell import Cell, CellState
from dragoman.errors import SpecError, nearest
from dragoman.metrics.scoring import require, text_metrics
from dragoman.model import is_from_elsewhere
from dragoman.pair import Pair
from dragoman.planning.baselines import declared_graph
from dragoman.planning.plan import Plan
from dragoman.spec.base import WRITTEN
from dragoman.spec.baseline import Baseline
from dragoman.spec.decoding import Decoding
from dragoman.spec.grid import GridSpec
from dragoman.spec.loading import sentence
from dragoman.store.records import CellRecord, GridRecord, ModelRecord
from dragoman.store.store import Store
from dragoman.translations.base import TranslationError
from dragoman.translations.committing import commit, uncommitted
from dragoman.translations.opening import open_translations
from dragoman.translations.system import SystemFromFiles, read_system, unchanged

KEY = "PATH"
"""The argument of the command that names the files, in errors."""


class AddedSystem(NamedTuple):
    """What was added to a grid, or would be."""

    read: SystemFromFiles
    """The system as its files have it."""
    cells: tuple[CellRecord, ...]
    """Its cells, one for each pair of the test set, as they were before."""
    is_new: bool
    """Whether the grid did not have it."""


def baseline_of(name: str, translations: Mapping[str, Any], trained_on: Any) -> Baseline:
    """The baseline that a command describes, checked as one in a spec is.

    Raises:
        SpecError: it is none.
    """
    return described("system", {"name": name, "translations": dict(translations), "trained_on": trained_on})


def described(what: str, content: dict[str, Any]) -> Baseline:
    """A baseline that a command describes, checked as one in a spec is.

    Args:
        what: what is added, in words.
        content: the baseline as a spec would have it.

    Raises:
        SpecError: it is none.
    """
    try:
        return Baseline.model_validate(content, context=WRITTEN)
    except ValidationError as error:
        raise SpecError(f"The {what} can't be added: {sentence(error, content)}") from error


def add_system(
    store: Store,
    grid: str,
    baseline: Baseline,
    *,
    dry_run: bool = False,
    workers: int = 1,
    advance: Callable[[int, int], None] | None = None,
) -> AddedSystem:
    """Add a system from files to a grid, with cells under the conditions of its first prompt, and score it.

    All files are held against the test sentences before anything is written. Added again it changes nothing, and
    after an interruption the rest is done.

    Args:
        store: where the grid is.
        grid: its name.
        baseline: the system, as a spec would name it.
        dry_run: only check.
        workers: processes that score.
        advance: called with the number of cells done, and of how many.

    Raises:
        TranslationError: the files are not translations of the test sentences.
        StoreError: there is no such grid, a run works at it, or it has another system of that name.
        DragomanError: a file is damaged, or a metric lacks something that it needs.
    """
    if baseline.translations is None:
        raise SpecError(f"The system {baseline.name} has no translations in files.")
    record, cells = store.grids.get(grid), store.cells.of_grid(grid)
    check_test_set(record, baseline.test_set)
    store.jobs.check_free(grid)
    templates = templates_of(record, cells, baseline)
    pairs = [pair for pair, cell in templates.own.items() if cell.test is not None]
    files = open_translations(KEY, baseline.translations, baseline.name, pairs=pairs, languages=record.languages)

    def test_lines(pair: Pair) -> tuple[list[str], list[str]]:
        return store.blobs.test(str(templates.own[pair].test))

    read = read_system(KEY, baseline.name, files, pairs, test_lines)
    model = read.identity.id
    check_known_name(record, model, baseline.name)
    is_new = model not in record.models
    before = {(cell.cell.test_set, cell.cell.pair): cell for cell in cells if cell.cell.model == model}

    def cell_of(template: CellRecord, reason: str | None) -> CellRecord:
        there = before.get((template.cell.test_set, template.cell.pair))
        return there or _cell(model, template, reason)

    own = tuple(cell_of(template, read.missing.get(pair)) for pair, template in templates.own.items())
    others = [cell_of(template, templates.why_not_of_others) for template in templates.of_others]
    require(record.metrics, pairs, record.languages)
    added = AddedSystem(read, own, is_new)
    if dry_run:
        return added
    store.models.add(ModelRecord(id=model, name=baseline.name, base=record.base, recipe=read.identity.recipe))
    store.models.record_graph(model, declared_graph(baseline.trained_on, record.languages))
    if is_new:
        names = {**record.names, model: baseline.name}
        grown = record.model_copy(update={"models": (*record.models, model), "names": names})
        store.grids.add(grown, [*cells, *own, *others])
    commit(
        store, uncommitted(store, grid, model), lambda pair: unchanged(files, read.contents, pair, test_lines),
        languages=record.languages, metrics=text_metrics(record.metrics), workers=workers, advance=advance,
    )  # fmt: skip
    return added


def kept_systems(plan: Plan, store: Store) -> dict[str, tuple[str, list[CellRecord]]]:
    """The systems that were added to a grid and stay when its spec is run again: their names and cells, by their id.

    One is kept as long as all pairs are done under the plan's test sets, first prompt and decoding, and its name is not
    another system's; one that a spec named, and names no more, is not.
    """
    grid = next((each for each in store.grids.all() if each.name == plan.spec.name), None)
    if grid is None:
        return {}
    planned = {model.id for model in plan.models}
    taken = {model.name for model in plan.models} | {each["name"] for each in grid.spec.get("baselines") or ()}
    kept = {}
    for model in store.models.of_grid(grid.name):
        if model.id in planned or model.name in taken or not is_from_elsewhere(model.recipe):
            continue
        done = {cell.cell.id: cell for cell in store.cells.of_grid(grid.name, model=model.id) if not cell.state.is_open}
        wanted = [
            Cell(
                model=model.id, test_set=test_set.id, content=test_set.contents.get(pair, ""), pair=pair,
                prompt=plan.prompt.id, decoding=plan.decoding_of(model.id, test_set).id,
            ).id
            for test_set in plan.test_sets
            for pair in test_set.pairs
        ]  # fmt: skip
        if all(cell in done for cell in wanted):
            kept[model.id] = model.name, [done[cell] for cell in wanted]
    return kept


class Templates(NamedTuple):
    """Cells of a grid, as whose twins a system that is added gets its own: those of the first prompt."""

    own: dict[Pair, CellRecord]
    """One of each pair of the test set that the system is of."""
    of_others: list[CellRecord]
    """Those of the other test sets, of which the system has nothing."""
    why_not_of_others: str
    """Why, as a clause."""


def templates_of(record: GridRecord, cells: list[CellRecord], baseline: Baseline) -> Templates:
    """The cells whose twins a system gets, of a test set that the grid has (`check_test_set`)."""
    tested = baseline.test_set or next(iter(record.test_sets.values()), None)
    by_set = _by_test_set(record, cells)
    own = by_set.pop(tested)
    others = [each for found in by_set.values() for each in found.values()]
    return Templates(own, others, baseline.why_not_of_others(tested))


def _by_test_set(record: GridRecord, cells: list[CellRecord]) -> dict[str | None, dict[Pair, CellRecord]]:
    """By test set, a cell of each pair under the conditions that systems are compared in: the first prompt's."""
    groups: dict[tuple[str, str, str], dict[Pair, CellRecord]] = {}
    for each in cells:
        condition = (each.cell.test_set, each.cell.prompt, each.cell.decoding)
        groups.setdefault(condition, {}).setdefault(each.cell.pair, each)
    if not groups:
        raise TranslationError(f"The grid {record.name} has no cells: run it first.")
    try:
        spec = GridSpec.from_store(record.spec)
        first = (spec.prompts[0].id, Decoding.model_validate(spec.evaluation.decoding).id)
    except ValidationError:  # a grid of another version, or one that was not made from a specification
        first = ("", "")
    test_sets = list(record.test_sets) or [next(iter(groups))[0]]
    found: dict[str | None, dict[Pair, CellRecord]] = {}
    for test_set in test_sets:
        of_set = {key: group for key, group in groups.items() if key[0] == test_set}
        chosen = next((group for key, group in of_set.items() if key[1:] == first), None)
        chosen = chosen or next((group for key, group in of_set.items() if key[1] == first[0]), None)
        name = record.test_sets.get(test_set)
        found[name] = dict(sorted((chosen or next(iter(of_set.values()))).items()))
    return found


def check_test_set(record: GridRecord, name: str | None) -> None:
    """Refuse a test set that a grid lacks.

    Raises:
        SpecError: it has none of that name.
    """
    known = record.test_sets.values()
    if name is not None and name not in known:
        remedy = nearest(name, known) if known else "its one test set has no name: leave it out."
        raise TranslationError(f"Grid '{record.name}' has no test set '{name}'; {remedy}")


def check_known_name(record: GridRecord, model: str, name: str, what: str = "translations") -> None:
    """Refuse what a grid has under another name, and a name that another system has.

    Args:
        record: the grid.
        model: the id of the system.
        name: its name.
        what: what is known of it, in words.

    Raises:
        TranslationError: the name is not that of the system.
    """
    called = record.names.get(model)
    if called is not None and called != name:
        raise TranslationError(f"The grid {record.name} has these {what} already: they are its system '{called}'.")
    if called is None and name in record.names.values():
        raise TranslationError(
            f"The grid {record.name} has another system called '{name}': its {what} are not what these files hold; "
            "give this one another name."
        )


def _cell(model: str, template: CellRecord, missing: str | None) -> CellRecord:
    cell = template.cell.model_copy(update={"model": model})
    reason = template.reason if template.test is None else missing
    return CellRecord(
        cell=cell, state=CellState.PLANNED if reason is None else CellState.MISSING, reason=reason, test=template.test
    )
