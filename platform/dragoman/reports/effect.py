"""Report of the effects of training over a campaign: seen effects, transfer, direct differences and curves."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import get_args

from dragoman.analysis.caption import caption_line, caption_of
from dragoman.analysis.pair_differences import higher_is_better
from dragoman.analysis.systems import metric_names
from dragoman.effects.campaign_effect import CampaignEffect, campaign_effect
from dragoman.effects.campaign_scores import CampaignQuestion, CampaignScores, Value
from dragoman.errors import StoreError, nearest
from dragoman.reports import effect_figures
from dragoman.reports.analysis_report import AnalysisReport, Choice, Drawing, texts_of
from dragoman.reports.findings import finding_columns, notes_of, of_finding
from dragoman.store.store import Store
from dragoman.tables.table import Column, Row, Table, number, of_pair, spaced, word

NAME, TITLE = "effect", "Effects of training"

_MODEL = "score = pair + model + partition, by least squares: the pair is held fixed."
_DRAWS = (
    "Intervals are about other draws of training pairs, on these sentences: the jackknife's that leaves out one draw "
    "with all its models, with Student's t. P-values are two-sided and not adjusted."
)


def effect_report(store: Store, question: CampaignQuestion) -> AnalysisReport:
    """The effects over the models of a campaign, as people get them.

    Raises:
        StoreError: something named is not there, there is one model only, or scores would be mixed.
    """
    found = campaign_effect(store, question)
    tables = [seen_table(found), transfer_table(found), direct_table(found), curve_table(found), fit_table(found)]
    tables.append(models_table(found))
    seen = [row for row in tables[0].rows if row["estimate"] is not None]
    points = tables[3].rows
    drawings = []
    if seen:
        unit = value_name(question)
        alt = (
            f"Being trained itself is worth {seen[0]['estimate']:+.2f} to a pair against {seen[0]['against']} ones; a "
            "line for each partition with its interval."
        )
        draw = effect_figures.forest(seen, "against", f"seen minus ... ({unit})")
        drawings.append(Drawing("seen-effects", "Effect of being seen, the pair held fixed", alt, draw, "effects"))
    if len({row["pairs"] for row in points}) > 1:
        first = effect_figures.trend(points)
        alt = f"A line for each partition over the number of training pairs; {first}."
        draw = effect_figures.curves(points, value_name(question))
        drawings.append(Drawing("pair-curve", "Scores by number of training pairs", alt, draw, "curve"))
    return AnalysisReport(
        name=NAME, title=TITLE, subject=question.name, kind="campaign", about=about(store, found.scores),
        tables=tuple(tables), drawings=tuple(drawings), notes=found.scores.notes,
        choices=choices(store, question),
    )  # fmt: skip


def effect_page(store: Store, asked: Mapping[str, str]) -> AnalysisReport:
    """The report that an address asks for."""
    return effect_report(store, asked_of_page(store, asked))


def asked_of_page(store: Store, asked: Mapping[str, str]) -> CampaignQuestion:
    """The question that an address asks.

    Raises:
        StoreError: something named is not there.
    """
    value = asked.get("of", "score")
    if value not in get_args(Value):
        raise StoreError(f"Effects are of a score or a gain, not of '{value}': {nearest(value, get_args(Value))}")
    rest = {key: asked[key] for key in ("signature", "prompt", "test_set", "lines") if key in asked}
    return CampaignQuestion.of(store, asked["campaign"], asked.get("metric"), value=value, **rest)


def choices(store: Store, question: CampaignQuestion) -> tuple[Choice, ...]:
    """What else could have been asked for on a page."""
    metrics = metric_names(store, question.grids[0])
    return (
        Choice("metric", "Metric", texts_of(metrics), question.metric),
        Choice("of", "Of", (("score", "scores"), ("gain", "gains over the base")), question.value),
    )


def about(store: Store, scores: CampaignScores) -> tuple[str, ...]:
    """What the numbers are measured on, and over how much."""
    question, models = scores.question, scores.models
    grids = list(dict.fromkeys(model.grid for model in models))
    captions = {grid: caption_of(store, question.of_grid(grid)) for grid in grids}
    languages = len({tag for pair in scores.pairs for tag in pair})
    draws = f"{scores.draw_count} draw{'s' if scores.draw_count != 1 else ''}"
    counted = (
        f"{len(models)} finetuned models of {draws} of training pairs, on {len(scores.pairs)} pairs of {languages} "
        f"languages; cells {scores.cells[:12]}."
    )
    return (*filter(None, [caption_line(captions)]), counted)


def value_name(question: CampaignQuestion) -> str:
    """What is explained, in words."""
    return question.metric if question.value == "score" else f"gain in {question.metric}"


def seen_table(found: CampaignEffect) -> Table:
    """The effect of being seen against each unseen partition."""
    question = found.scores.question
    rows = [
        {"against": each.against, **of_finding(each.finding), "cells": each.cells, "models": each.models,
         "pairs": each.pairs}
        for each in found.seen
    ]  # fmt: skip
    notes = [_MODEL, _DRAWS, "pairs: those that are seen under some model, and in the partition under another."]
    if not higher_is_better(question.metric):
        notes.append("This is an error rate: an effect below 0 is a gain.")
    return Table(
        name="effects", title=f"{question.name}: {value_name(question)} of a pair for being seen, pair held fixed",
        columns=[spaced("against"), *finding_columns("seen minus"), *(number(key, digits=0) for key in
                 ("cells", "models", "pairs"))],
        content=rows, notes=[*notes, *notes_of(rows, "against")],
    )  # fmt: skip


def transfer_table(found: CampaignEffect) -> Table:
    """Transfer ratios."""
    rows = [
        {"partition": each.partition, **of_finding(each.finding), "unseen_gain": each.unseen_gain,
         "seen_gain": each.seen_gain, "pairs": each.pairs, "is_of_same_pairs": each.is_of_same_pairs}
        for each in found.transfer
    ]  # fmt: skip
    notes = [
        "ratio: gain over the base on the partition, divided by that on seen pairs; its p-value is of no transfer. Its "
        "interval is about other draws, and about other sentences where their statistics are stored."
    ]
    if any(row["is_of_same_pairs"] for row in rows):
        notes.append(
            "Both gains are of the same pairs, on which all models have a score, each as far as it is of either kind."
        )
    if others := [str(row["partition"]) for row in rows if not row["is_of_same_pairs"]]:
        notes.append(f"{', '.join(others)}: the two gains are of other pairs, as none is of either kind.")
    return Table(
        name="transfer", title=f"{found.scores.question.name}: transfer to unseen pairs",
        columns=[spaced("partition"), *finding_columns("ratio", sign=False),
                 number("unseen_gain", "its gain", sign=True), number("seen_gain", "gain seen", sign=True),
                 number("pairs", digits=0)],
        content=rows, notes=[*notes, *notes_of(rows, "partition")],
    )  # fmt: skip


def direct_table(found: CampaignEffect) -> Table:
    """Models that differ in one training pair alone."""
    rows = []
    for each in found.direct:
        facts = {"trained": each.trained, "untrained": each.untrained, "is_total": each.is_total}
        pair = of_pair(each)
        rows.append({"source": pair["source"], "target": pair["target"], **facts, **of_finding(each.finding)})
    notes = ["The two models were trained in the same way, on the same pairs but for this one."]
    if any(row["is_total"] for row in rows):
        notes.append("The number of examples in all was the same: the model with the pair had fewer of the others.")
    return Table(
        name="direct", title=f"{found.scores.question.name}: models that differ in one training pair, on this pair",
        columns=[word("source"), word("target"), word("trained", "trained on it"), word("untrained", "not"),
                 *finding_columns("difference")],
        content=rows, notes=[*notes, *notes_of(rows, "target")], stub=2,
    )  # fmt: skip


def curve_table(found: CampaignEffect) -> Table:
    """The points of the curves over the number of training pairs."""
    question = found.scores.question
    rows = [asdict(each) for each in found.points]
    return Table(
        name="curve", title=f"{question.name}: {value_name(question)} by number of training pairs",
        columns=[word("design"), spaced("scope"), number("pairs", "training pairs", digits=0), number("mean"),
                 number("sd", "± sd", digits=2), number("draws", digits=0), number("evaluated", "pairs tested")],
        content=rows, group=("design", "scope"), stub=3,
        notes=["Means over draws of means over the pairs of the scope, which are others at each number of pairs; "
               "sd over draws."],
    )  # fmt: skip


def fit_table(found: CampaignEffect) -> Table:
    """What is fitted to the points."""
    rows = [
        {"design": each.design, "scope": each.scope, "what": each.what, **of_finding(each.finding),
         "models": each.models}
        for each in found.fits
    ]  # fmt: skip
    notes = [
        "slope: by a doubling of the training pairs; its p-value is of none. a, b, c: of a - b n^(-c) for n pairs.",
        "A design with a fixed number of examples in all is never mixed with one of a fixed number a pair.",
    ]
    name = Column("what", "fitted", lambda row: str(row["what"]), right=False)
    return Table(
        name="curve-fits", title=f"{found.scores.question.name}: fitted over the number of training pairs",
        columns=[word("design"), spaced("scope"), name, *finding_columns("value"), number("models", digits=0)],
        content=rows, group=("design", "scope"), stub=3, notes=[*notes, *notes_of(rows, "scope")],
    )  # fmt: skip


def models_table(found: CampaignEffect) -> Table:
    """The models, their designs and draws."""
    rows: list[Row] = [
        {"grid": model.grid, "model": model.name, "draw": draw + 1, "pairs": len(model.own.pairs),
         "examples": sum(model.own.examples.values()), "design": design}
        for model, draw, design in zip(found.scores.models, found.scores.draws, found.designs, strict=True)
    ]  # fmt: skip
    columns = [word("grid"), word("model"), *(number(key, digits=0) for key in ("draw", "pairs", "examples"))]
    return Table(
        name="models", title=f"{found.scores.question.name}: models by draw of training pairs",
        columns=[*columns, word("design")], content=rows, detail=True, stub=2,
        notes=["Models trained on the same pairs, and nested draws, are of one draw."],
    )  # fmt: skip
