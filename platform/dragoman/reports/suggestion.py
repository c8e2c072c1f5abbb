"""Report of suggested training pairs: the pairs, how far they are to be believed, and YAML for the next spec."""

from collections.abc import Mapping
from typing import Any

import yaml
from pydantic import ValidationError

from dragoman.effects.campaign_effect import design_names
from dragoman.effects.campaign_scores import CampaignQuestion, read_campaign
from dragoman.errors import SpecError, StoreError
from dragoman.reports import effect_figures
from dragoman.reports.analysis_report import AnalysisReport, Choice, Drawing
from dragoman.reports.effect import about, asked_of_page, choices, value_name
from dragoman.reports.findings import finding_columns, notes_of, of_finding
from dragoman.spec.grid import GridSpec
from dragoman.spec.loading import sentence
from dragoman.store.store import Store
from dragoman.suggestion.suggested_pairs import Suggestion, suggested_pairs
from dragoman.tables.table import Table, number, word

NAME, TITLE = "suggest", "What to train next"

BUDGET = 10
"""Pairs that are suggested by default."""

_BUDGETS = (5, 10, 20, 40)


def suggestion_of(
    store: Store, question: CampaignQuestion, *, budget: int, start: str | None = None, seed: int = 1
) -> Suggestion:
    """Suggest training pairs from a campaign.

    Raises:
        StoreError: something named is not there, there is one model only, or scores would be mixed.
    """
    scores = read_campaign(store, question)
    return suggested_pairs(scores, design_names(store, scores), budget=budget, start=start, seed=seed)


def suggestion_report(store: Store, found: Suggestion, budget: int) -> AnalysisReport:
    """Suggested pairs as people get them."""
    question = found.scores.question
    tables = (pairs_table(found, budget), foresight_table(found))
    rows = tables[0].rows
    drawings = []
    if rows:
        named = [{**row, "pair": f"{row['source']}-{row['target']}"} for row in rows]
        draw = effect_figures.forest(named, "pair", f"expected {value_name(question)} on unseen pairs")
        alt = f"{named[0]['pair']} is first, with {rows[0]['estimate']:+.2f}; a line for each pair with its interval."
        drawings.append(Drawing("suggested-pairs", "What each pair is expected to add", alt, draw, "suggested"))
    budgets = tuple((str(each), str(each)) for each in sorted({*_BUDGETS, budget}))
    return AnalysisReport(
        name=NAME, title=TITLE, subject=question.name, kind="campaign", about=about(store, found.scores), tables=tables,
        drawings=tuple(drawings), notes=(found.verdict, *found.notes, *found.scores.notes),
        choices=(*choices(store, question), Choice("budget", "Pairs", budgets, str(budget))),
    )  # fmt: skip


def suggestion_page(store: Store, asked: Mapping[str, str]) -> AnalysisReport:
    """The report that an address asks for.

    Raises:
        StoreError: the budget is no number, or something named is not there.
    """
    text = asked.get("budget", str(BUDGET))
    if not text.isdecimal() or not int(text):
        raise StoreError(f"The budget is '{text}': give a number of pairs.")
    question = asked_of_page(store, {"of": "gain", **asked})
    return suggestion_report(store, suggestion_of(store, question, budget=int(text)), int(text))


def pairs_table(found: Suggestion, budget: int) -> Table:
    """The suggested pairs, the most helpful first."""
    question = found.scores.question
    rows = [
        {"place": place, "source": each.pair.source, "target": each.pair.target, **of_finding(each.finding),
         "reason": each.reason}
        for place, each in enumerate(found.pairs, 1)
    ]  # fmt: skip
    beside = f", beside those of {found.start}" if found.start else ""
    title = f"{question.name}: {budget} training pairs to try next, by {value_name(question)}{beside}"
    return Table(
        name="suggested", title=title,
        columns=[number("place", digits=0), word("source"), word("target"), *finding_columns("adds"),
                 word("reason", "by")],
        content=rows, stub=3,
        notes=["adds: what the pair, after those above it, is expected to add to the mean over evaluated pairs, each "
               "as though it was not trained itself. They were chosen for it, so that it flatters them.",
               *notes_of(rows, "source")],
    )  # fmt: skip


def foresight_table(found: Suggestion) -> Table:
    """How far a suggestion is to be believed."""
    tested = found.foresight
    findings = {
        "these pairs, over random ones (expected)": found.against_random,
        "the better of two finished models, over either": tested.finding,
        "the better of two for each unseen pair": tested.within,
    }
    rows = [{"what": what, **of_finding(finding)} for what, finding in findings.items()]
    if tested.choices:
        rows[1]["right"], rows[1]["choices"] = tested.right, tested.choices
    rows = [{"right": None, "choices": None, **row} for row in rows]
    return Table(
        name="foresight", title=f"{found.scores.question.name}: how far it is to be believed",
        columns=[word("what"), *finding_columns("gain"), number("right", digits=0),
                 number("choices", "of", digits=0)],
        content=rows,
        notes=["Finished models of one size are compared by what is foretold without their draws, on the pairs unseen "
               "under both; for each pair, after the means over pairs are taken away.", *notes_of(rows, "what")],
    )  # fmt: skip


def pairs_yaml(found: Suggestion) -> str:
    """The suggested pairs, with those of the model they are added to, as the key `pairs` of a model in a spec.

    Raises:
        StoreError: there is too little to tell.
    """
    return yaml.safe_dump({"pairs": trained_pairs(found)}, default_flow_style=None, width=100)


def trained_pairs(found: Suggestion) -> list[str]:
    """All pairs that would be trained, sorted.

    Raises:
        StoreError: there is too little to tell.
    """
    if not found.pairs:
        raise StoreError(found.verdict)
    start = [model for model in found.scores.models if model.system == found.start]
    before = start[0].own.pairs if start else frozenset()
    return sorted(map(str, before | {each.pair for each in found.pairs}))


def next_spec(store: Store, found: Suggestion) -> str:
    """The spec of the campaign's first grid with a model that is trained on these pairs, as YAML.

    Raises:
        StoreError: there is too little to tell.
        SpecError: the store has no whole spec of that grid, or none that can be run with one model alone.
    """
    pairs = trained_pairs(found)
    model = found.scores.models[0]
    spec: dict[str, Any] = dict(store.grids.get(model.grid).spec)
    written = [each for each in spec.get("models") or () if model.name in (each["name"], f"{each['name']}-seed1")]
    if not written:
        raise SpecError(f"The store has no spec of {model.grid} to write the next one from: take `--yaml`.")
    name = f"{found.scores.question.name}-suggested"
    spec = {key: value for key, value in spec.items() if key not in ("campaign", "candidates_of")}
    spec |= {"name": name, "models": [{**written[0], "pairs": pairs}]}
    try:
        GridSpec.model_validate(spec)
    except ValidationError as error:
        raise SpecError(f"The spec after {model.grid}: {sentence(error, spec)} Take `--yaml` instead.") from error
    return yaml.safe_dump(spec, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)
