"""Report of an error profile: `dragoman errors`, its page and its figures."""

from collections.abc import Mapping, Sequence

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import System, systems
from dragoman.analysis.test_sets import test_set_of, test_sets_of
from dragoman.error_profile.fidelity import fidelity
from dragoman.error_profile.flows import flows
from dragoman.error_profile.paired_tests import RateDifference, rate_differences
from dragoman.error_profile.rates import rates
from dragoman.error_profile.stored_labels import SystemLabels, scored_labels, stored_labels
from dragoman.errors import StoreError, nearest
from dragoman.metrics.errors.label import MEASURED, Label
from dragoman.reports.analysis_report import AnalysisReport, Choice, texts_of
from dragoman.reports.choices import chosen_systems
from dragoman.reports.error_figures import flow_drawing, rate_drawing
from dragoman.reports.error_tables import (
    category_table,
    entity_table,
    flow_table,
    label_table,
    rate_table,
    scope_table,
    test_table,
)
from dragoman.store.store import Store

ALL = "all"


def error_report(
    store: Store,
    question: ScoreQuestion,
    *,
    models: Sequence[str],
    scope: str = ALL,
    against: str | None = None,
    detector: str | None = None,
) -> AnalysisReport:
    """The error profile of a grid.

    Args:
        store: the store.
        question: the grid, and what it is asked of; its metric is not looked at.
        models: names of the models.
        scope: the scope of the table of labels: a partition, `unseen` or `all`.
        against: a system that the others are tested against.
        detector: the language identifier of wrong languages; the default one by default.

    Raises:
        StoreError: something named is not there, or the grid is not scored with error labels.
    """
    labels = scored_labels(store, question.grid, detector)
    chosen = [each for each in chosen_systems(store, question, models) if each.quoted is None]
    if not chosen:
        raise StoreError(f"Grid '{question.grid}' has no such system with translations: quoted scores have no errors.")
    found = [stored_labels(store, question, system, labels=labels, detector=detector) for system in chosen]
    trained = _trained(store, question.grid)
    listed = [rate for each in found for rate in rates(each, micro=question.micro)]
    if not listed:
        raise StoreError(f"No cell of grid '{question.grid}' has error labels yet: {_remedy(question.grid)}.")
    scopes = list(dict.fromkeys(rate.scope for rate in listed))
    if scope not in scopes:
        raise StoreError(f"Grid '{question.grid}' has no pairs that are {scope}; {nearest(scope, scopes)}")
    streams = [flow for each in found for flow in flows(each, trained.get(each.system.model, ()))]
    tests = (
        []
        if against is None
        else _tests(store, question, found, against, labels=labels, scope=scope, detector=detector)
    )
    entities = [each for own in found for each in fidelity(store, question, own)]
    named = _names(chosen)
    shown = [rate for rate in listed if rate.scope == scope]
    tables = [
        label_table(question.grid, shown, named, scope),
        scope_table(question.grid, listed, named),
        category_table(question.grid, streams, named),
        flow_table(question.grid, streams, named),
        *([test_table(question.grid, tests, named, against)] if against is not None else []),
        *([entity_table(question.grid, entities, named, scope)] if entities else []),
        rate_table(question.grid, listed, named),
    ]
    return AnalysisReport(
        name="errors",
        title="Errors of hypotheses",
        subject=question.grid,
        about=(_about(store, question, found),),
        tables=tuple(tables),
        drawings=(
            rate_drawing(shown, has_prompts=named, scope=scope),
            *flow_drawing([each for each in streams if each.scope == scope], has_prompts=named),
        ),
        notes=tuple(_notes(found, labels)),
        choices=_choices(store, question, scopes=scopes, scope=scope, against=against),
    )


def errors_page(store: Store, arguments: Mapping[str, str]) -> AnalysisReport:
    """The report that an address asks for: `grid`, and `model`, `prompt`, `test_set`, `scope`, `against`, `lines`.

    Raises:
        StoreError: as `error_report`.
    """
    question = ScoreQuestion(
        arguments["grid"],
        Label.LANGUAGE.metric,
        prompt=arguments.get("prompt"),
        test_set=arguments.get("test_set"),
        lines=arguments.get("lines"),
    )
    names = list(dict.fromkeys(each.model for each in systems(store, question.grid)))
    model = arguments.get("model")
    if model is not None and model not in names:
        raise StoreError(f"Grid '{question.grid}' has no model '{model}'; {nearest(model, names)}")
    return error_report(
        store,
        question,
        models=[model] if model else names,
        scope=arguments.get("scope") or ALL,
        against=arguments.get("against"),
        detector=arguments.get("detector"),
    )


def _trained(store: Store, grid: str) -> dict[str, frozenset[str]]:
    """The languages that each model of a grid was trained on, by its name in the grid."""
    names = store.grids.get(grid).names
    return {
        names.get(record.id, record.name): record.graph.sources | record.graph.targets
        for record in store.models.of_grid(grid)
    }


def _tests(
    store: Store,
    question: ScoreQuestion,
    found: Sequence[SystemLabels],
    against: str,
    *,
    labels: Sequence[Label],
    scope: str,
    detector: str | None,
) -> list[tuple[System, RateDifference]]:
    every = systems(store, question.grid)
    named = System.parse(against, question.grid, [each.model for each in every])
    prompts = [each.prompt for each in every if each.model == named.model]
    same = (named.grid, named.model, named.prompt or question.prompt or next(iter(prompts), None))
    own = [each.system for each in found if (question.grid, each.system.model, each.system.prompt) != same]
    return [
        (system, difference)
        for system in own
        for difference in rate_differences(
            store, question, a=against, b=system.within(question.grid), labels=labels, scope=scope, detector=detector
        )
    ]


def _names(chosen: Sequence[System]) -> bool:
    """Whether tables name prompts: some model is asked with several."""
    return len({each.model for each in chosen}) < len(chosen)


def _about(store: Store, question: ScoreQuestion, found: Sequence[SystemLabels]) -> str:
    pairs = {pair for each in found for pair in each.pairs}
    languages = {tag for pair in pairs for tag in pair}
    test_set = test_set_of(store, question)
    parts = [
        f"Over {len(pairs)} pairs of {len(languages)} languages",
        f"test set {test_set}" if test_set else "",
        f"lines with {question.lines}" if question.lines else "",
        "pairs weighted by their sentences" if question.micro else "means over pairs, all alike",
        "intervals: 95%, sentences resampled jointly",
    ]
    return "; ".join(filter(None, parts)) + "."


def _notes(found: Sequence[SystemLabels], labels: Sequence[Label]) -> list[str]:
    notes = []
    for each in found:
        for reason in dict.fromkeys(each.lacking.values()):
            named = ", ".join(label.facts.title for label, own in each.lacking.items() if own == reason)
            notes.append(f"{named[0].upper()}{named[1:]} of {each.system.phrase}: {reason}.")
    if unscored := [label.facts.title for label in MEASURED if label not in labels]:
        notes.append(f"Not scored: {', '.join(unscored)}; `dragoman score GRID --metric errors` adds them.")
    return list(dict.fromkeys(notes))


def _remedy(grid: str) -> str:
    return f"`dragoman score {grid} --metric errors` adds them to the stored translations"


def _choices(
    store: Store, question: ScoreQuestion, *, scopes: Sequence[str], scope: str, against: str | None
) -> tuple[Choice, ...]:
    own = systems(store, question.grid)
    names = list(dict.fromkeys(each.within(question.grid) for each in own if each.quoted is None))
    test_sets = list(test_sets_of(store, question.grid))
    return tuple(
        choice
        for choice in (
            Choice("scope", "Pairs", texts_of(scopes), scope),
            Choice("against", "Tested against", (("", "nothing"), *((each, each) for each in names)), against or ""),
            Choice("test_set", "Test set", tuple((each, each) for each in test_sets), question.test_set or ""),
        )
        if len(choice.options) > 1
    )
