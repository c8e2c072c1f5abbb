"""Report of an error profile: `dragoman errors`, its page and its figures."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import System, systems
from dragoman.analysis.test_sets import test_set_of, test_sets_of
from dragoman.error_profile.fidelity import Fidelity, fidelity, has_known_entities
from dragoman.error_profile.flows import Category, Flow, flows
from dragoman.error_profile.paired_tests import RateDifference, rate_differences
from dragoman.error_profile.rates import LabelRate, rates
from dragoman.error_profile.stored_labels import SystemLabels, scored_labels, stored_labels
from dragoman.errors import StoreError, nearest
from dragoman.metrics.errors.label import Label
from dragoman.reports.analysis_report import AnalysisReport, Choice
from dragoman.reports.choices import chosen_systems
from dragoman.reports.error_figures import flow_drawing, rate_drawing
from dragoman.store.store import Store
from dragoman.tables.table import Column, Row, Table, figure, interval, number, p_value, word

ALL = "all"

ANY = "any"
"""The row of hypotheses with any label."""

_MEASURES = {
    "errors": "Rates are of all hypotheses, each label by itself; 'first' is the share of which a label is the first to "
    "match, in the order of the rows, so that these add up to 'any'. This is the mFTI paper's view with two of its "
    "faults mended: text in the source language counts as wrong language, and a word that comes twice, or as often as "
    "in the reference, as no oscillation.",
    "references": "'On references' is the rate of the same label on the references, examined as though they were "
    "hypotheses with no reference to excuse them: about its rate of false alarms, if an upper one.",
}


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
    tests = [] if against is None else _tests(store, question, found, against=against, labels=labels, detector=detector)
    entities = [
        each for system in chosen if has_known_entities(store, question)
        for each in fidelity(store, question, system)
    ]  # fmt: skip
    named = _names(chosen)
    tables = [
        _label_table(question, [rate for rate in listed if rate.scope == scope], named, scope),
        _scope_table(question, listed, named),
        _category_table(question, streams, named),
        _flow_table(question, streams, named),
        *([_test_table(question, tests, against)] if against is not None else []),
        *([_entity_table(question, entities, named)] if entities else []),
        _rate_table(question, listed, named),
    ]
    shown = [rate for rate in listed if rate.scope == scope]
    return AnalysisReport(
        name="errors",
        title="Errors of hypotheses",
        subject=question.grid,
        about=(_about(store, question, found),),
        tables=tuple(tables),
        drawings=(rate_drawing(shown, named, scope), *flow_drawing([each for each in streams if each.scope == scope], named)),
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
    *,
    against: str,
    labels: Sequence[Label],
    detector: str | None,
) -> list[tuple[System, RateDifference]]:
    own = [each.system for each in found if each.system.within(question.grid) != against]
    return [
        (system, difference)
        for system in own
        for difference in rate_differences(
            store, question, a=against, b=system.within(question.grid), labels=labels, detector=detector
        )
    ]


def _names(chosen: Sequence[System]) -> bool:
    """Whether tables name prompts: some model is asked with several."""
    return len({each.model for each in chosen}) < len(chosen)


def _system_columns(has_prompts: bool) -> list[Column]:
    return [word("model"), *([word("prompt")] if has_prompts else [])]


def _label_table(question: ScoreQuestion, rows: Sequence[LabelRate], has_prompts: bool, scope: str) -> Table:
    return Table(
        name="errors",
        title=f"{question.grid}: percent of hypotheses with each error, {scope.replace('_', ' ')} pairs",
        content=[_as_row(rate) for rate in rows],
        columns=[
            *_system_columns(has_prompts),
            Column("label", "error", lambda row: _title(row["label"]), right=False),
            number("estimate", "rate %"),
            interval("low", "high"),
            number("references", "on references"),
            number("first", "first"),
            interval("first_low", "first_high"),
            Column("n", "pairs", lambda row: f"{row['n']} of {row['pairs']}", values=("n", "pairs")),
            number("sentences", digits=0),
        ],
        group=("model", "prompt"),
        notes=tuple(_MEASURES.values()),
    )


def _scope_table(question: ScoreQuestion, rows: Sequence[LabelRate], has_prompts: bool) -> Table:
    """A row for each system and scope, a column for each label."""
    labels = list(dict.fromkeys(_key(rate.label) for rate in rows))
    by_system: dict[tuple[str, str | None, str], dict[str, Any]] = {}
    for rate in rows:
        row = by_system.setdefault((rate.model, rate.prompt, rate.scope), dict.fromkeys(labels))
        row[_key(rate.label)] = rate.estimate
        row["n"], row["pairs"] = max(rate.n, row.get("n", 0)), rate.pairs
    content = [
        {"model": model, "prompt": prompt, "scope": scope, **row} for (model, prompt, scope), row in by_system.items()
    ]
    return Table(
        name="partitions",
        title=f"{question.grid}: percent of hypotheses with each error, by partition",
        content=content,
        columns=[
            *_system_columns(has_prompts),
            Column("scope", "scope", lambda row: str(row["scope"]).replace("_", " "), right=False),
            *(number(label, _title(label)) for label in labels),
            Column("n", "pairs", lambda row: f"{row['n']} of {row['pairs']}", values=("n", "pairs")),
        ],
        group=("model", "prompt"),
        stub=2,
    )


def _category_table(question: ScoreQuestion, streams: Sequence[Flow], has_prompts: bool) -> Table:
    """Where hypotheses went, in percent of all of a system's in a scope."""
    totals: dict[tuple[str, str | None, str], dict[Category, int]] = {}
    for flow in streams:
        row = totals.setdefault((flow.model, flow.prompt, flow.scope), dict.fromkeys(Category, 0))
        row[flow.category] += flow.sentences
    content = []
    for (model, prompt, scope), counts in totals.items():
        count = sum(counts.values())
        shares = {each.value: 100 * found / count for each, found in counts.items()}
        content.append({"model": model, "prompt": prompt, "scope": scope, **shares, "sentences": count})
    return Table(
        name="languages",
        title=f"{question.grid}: the language that hypotheses are in, percent of them",
        content=content,
        columns=[
            *_system_columns(has_prompts),
            Column("scope", "scope", lambda row: str(row["scope"]).replace("_", " "), right=False),
            *(number(each.value) for each in Category),
            number("sentences", digits=0),
        ],
        group=("model", "prompt"),
        stub=2,
    )


def _flow_table(question: ScoreQuestion, streams: Sequence[Flow], has_prompts: bool) -> Table:
    content = [asdict(flow) | {"category": flow.category.value} for flow in streams]
    return Table(
        name="flows",
        title=f"{question.grid}: the language asked for, and the language found",
        content=content,
        columns=[
            *_system_columns(has_prompts), word("scope"), word("asked"), word("found"), word("category"),
            number("sentences", digits=0), number("estimate", "% of those into it"), number("n", "into it", digits=0),
        ],
        group=("model", "prompt", "scope", "asked"),
        detail=True,
    )  # fmt: skip


def _test_table(question: ScoreQuestion, tests: Sequence[tuple[System, RateDifference]], against: str | None) -> Table:
    content = [
        {"model": system.model, "prompt": system.asked_with, **asdict(found), "label": found.label.value}
        for system, found in tests
    ]
    return Table(
        name="tests",
        title=f"{question.grid}: rates against {against}, in percentage points",
        content=content,
        columns=[
            *_system_columns(any(row["prompt"] for row in content)),
            Column("scope", "scope", lambda row: str(row["scope"]).replace("_", " "), right=False),
            Column("label", "error", lambda row: _title(row["label"]), right=False),
            number("against", str(against)),
            number("rate"),
            number("estimate", "difference", sign=True),
            interval("low", "high", sign=True),
            p_value("p"),
            p_value("adjusted"),
            number("n", "pairs", digits=0),
        ],
        group=("model", "scope"),
        notes=(
            "Paired randomization tests in which pairs that share sentences are dealt jointly; adjusted after Holm for "
            "all labels and scopes of a system. Below 0: fewer such errors.",
        ),
    )


def _entity_table(question: ScoreQuestion, found: Sequence[Fidelity], has_prompts: bool) -> Table:
    return Table(
        name="entities",
        title=f"{question.grid}: entities that came out right in the target language, in percent",
        content=[asdict(each) for each in found],
        columns=[
            *_system_columns(has_prompts),
            Column("scope", "scope", lambda row: str(row["scope"]).replace("_", " "), right=False),
            word("kind", "entities"),
            number("estimate", "right %"),
            interval("low", "high"),
            number("wrong", "another %"),
            number("lost", "none %"),
            number("references", "on references"),
            number("n", "sentences", digits=0),
        ],
        group=("model", "prompt", "scope"),
        notes=(
            "Decided for each sentence, not scored: its entities are known, and so are the forms that CLDR gives them in "
            "the target language. 'Another': one of that kind that is not meant stands there, or one too many; 'none': "
            "nothing of that kind.",
        ),
    )


def _rate_table(question: ScoreQuestion, rows: Sequence[LabelRate], has_prompts: bool) -> Table:
    return Table(
        name="rates",
        title=f"{question.grid}: every rate",
        content=[_as_row(rate) for rate in rows],
        columns=[
            *_system_columns(has_prompts), word("scope"), word("label"), number("estimate"), interval("low", "high"),
            number("references"), number("first"), interval("first_low", "first_high"), number("n", digits=0),
            number("first_n", digits=0), number("pairs", digits=0), number("sentences", digits=0),
        ],
        group=("model", "prompt", "scope"),
        detail=True,
    )  # fmt: skip


def _as_row(rate: LabelRate) -> Row:
    return asdict(rate) | {"label": _key(rate.label)}


def _key(label: Label | None) -> str:
    return ANY if label is None else label.value


def _title(label: str) -> str:
    return ANY if label == ANY else Label(label).facts.title


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
        for label, reason in each.lacking.items():
            notes.append(f"{label.facts.title[0].upper()}{label.facts.title[1:]} of {each.system.phrase}: {reason}.")
    if unscored := [label.facts.title for label in Label if label in set(_measured()) - set(labels)]:
        notes.append(f"Not scored: {', '.join(unscored)}; `dragoman score GRID --metric errors` adds them.")
    return list(dict.fromkeys(notes))


def _measured() -> Sequence[Label]:
    from dragoman.metrics.errors.label import MEASURED

    return MEASURED


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
            Choice("scope", "Pairs", tuple((each, figure_words(each)) for each in scopes), scope),
            Choice("against", "Tested against", (("", "nothing"), *((each, each) for each in names)), against or ""),
            Choice("test_set", "Test set", tuple((each, each) for each in test_sets), question.test_set or ""),
        )
        if len(choice.options) > 1
    )


def figure_words(value: str) -> str:
    """A name as people read it."""
    return value.replace("_", " ")
