"""The results of a campaign: a row for each finetuned model with what was swept, and lines over what was."""

from collections.abc import Mapping, Sequence
from typing import Any

from dragoman.analysis.caption import caption_line, caption_of
from dragoman.analysis.overview import ORDER
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.sweep_results import RECIPE, CurvePoint, SweptModel, axes_of, axis_named, curves, sweep_results
from dragoman.analysis.systems import metric_names
from dragoman.effects.campaign_scores import CampaignQuestion
from dragoman.figures.sweep_lines import MOST_PANELS, LinePoint, sweep_lines
from dragoman.metrics.lookup import digits_of
from dragoman.reports.analysis_report import Analysis, AnalysisReport, Choice, Drawing, texts_of
from dragoman.reports.overview import EVERYTHING, FIELDS, Layout, in_order, numbers_shown, scope_column, stacked_note
from dragoman.store.store import Store
from dragoman.tables.table import Column, Row, Table, number, spaced, word

NAME, TITLE = "campaign", "Results"
FIRST = ORDER[:3]
"""The scopes that are shown unless others are chosen: seen, unseen, all."""


def sweep_report(
    store: Store,
    name: str,
    questions: Mapping[ScoreQuestion, Sequence[str]],
    *,
    x: str | None = None,
    layout: Layout = EVERYTHING,
) -> AnalysisReport:
    """The results of a campaign, or of a grid with several finetuned models.

    Args:
        store: the store.
        name: name of the campaign.
        questions: the question of each grid, with the models of the grid that are meant.
        x: what lines are drawn over: a swept key, or a value of `RECIPE`; by default the first swept number.
        layout: which partitions and numbers are shown, and in which order.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    wanted = {(question.grid, model) for question, names in questions.items() for model in names}
    models = sweep_results(store, questions, wanted)
    metric = next(iter(questions)).metric
    axis = axis_named(models, x)
    captions = {question.grid: caption_of(store, question) for question in questions}
    facts = {grid: caption.facts for grid, caption in captions.items()}
    table = models_table(name, metric, models, facts=facts, layout=layout, caption=caption_line(captions))
    points = curves(models, axis, scopes_shown(models, layout)) if axis else []
    tables = [table, *([curves_table(name, metric, axis, points, table.caption)] if axis and points else [])]
    return AnalysisReport(
        name=NAME, title=TITLE, subject=name, kind="campaign", about=(), tables=tuple(tables),
        drawings=tuple(_drawings(name, metric, axis, points)), choices=_choices(store, questions, models, axis, layout),
        notes=() if models else ("None of the grids has a finetuned model of its specification with scores.",),
    )  # fmt: skip


def sweep_page(store: Store, asked: Mapping[str, str]) -> AnalysisReport:
    """The report that an address asks for.

    Raises:
        DragomanError: something named is not there.
    """
    rest = {key: asked[key] for key in ("signature", "prompt", "test_set", "lines") if key in asked}
    question = CampaignQuestion.of(store, asked["campaign"], asked.get("metric"), **rest)
    questions = {question.of_grid(grid): list(store.grids.get(grid).names.values()) for grid in question.grids}
    layout = Layout.parse(asked.get("columns"), asked.get("sort"))
    return sweep_report(store, question.name, questions, x=asked.get("x"), layout=layout)


ANALYSIS = Analysis(TITLE, "campaign", sweep_page, is_listed=False)
"""The part of a campaign's page with its results."""


def models_table(
    name: str,
    metric: str,
    models: Sequence[SweptModel],
    *,
    facts: Mapping[str, Mapping[str, Any]],
    layout: Layout,
    caption: str | None,
) -> Table:
    """The table of a campaign's finetuned models: swept keys, then a column for each partition.

    Args:
        name: name of the campaign.
        metric: name of the metric.
        models: the models.
        facts: what the scores of each grid were measured on, as JSON and CSV have it.
        layout: what is shown, and in which order.
        caption: the same in a line.
    """
    digits = digits_of(metric)
    known = [scope for scope in ORDER if any(scope in model.rows for model in models)]
    scopes, swept = scopes_shown(models, layout), list(models[0].swept) if models else []
    rows = in_order([_row(model, known, facts.get(model.grid, {})) for model in models], layout.sort, metric)
    shown = numbers_shown(rows, scopes, layout.numbers(len(models)), digits)
    varying = [key for key in RECIPE if len({model.recipe.get(key) for model in models} - {None}) > 1]
    columns = [word("grid"), *([word("model")] if len({model.model for model in models}) > 1 else [])]
    columns += [_key(key, rows) for key in swept if key != "model"]
    columns += [number(key, digits=0) for key in varying if key in ("training_pairs", "training_examples")]
    return Table(
        name=NAME, title=f"{name}: {metric} of every finetuned model by what was swept", content=rows,
        columns=[*columns, *(scope_column(scope, shown, digits) for scope in scopes)],
        stub=1, caption=caption, notes=stacked_note(shown), is_summary=True, fits_column=True,
    )  # fmt: skip


def scopes_shown(models: Sequence[SweptModel], layout: Layout) -> list[str]:
    """The scopes that are shown: those chosen, by default seen, unseen and all, or what there is instead of them."""
    known = [scope for scope in ORDER if any(scope in model.rows for model in models)]
    chosen = layout.scopes(known)
    is_chosen = any(name in ORDER for name in layout.columns)
    return chosen if is_chosen else [scope for scope in chosen if scope in FIRST] or chosen


def curves_table(name: str, metric: str, x: str, points: Sequence[CurvePoint], caption: str | None) -> Table:
    """The points of the lines: means over seeds, with their spread."""
    digits = digits_of(metric)
    rows = [{"scope": each.scope, "line": each.line, "key": x, "x": each.x, "mean": each.mean, "sd": each.sd,
             "gain": each.gain, "models": each.models} for each in points]  # fmt: skip
    key = Column("x", x.replace("_", " "), lambda row: _shown(row["x"]))
    return Table(
        name="lines", title=f"{name}: mean {metric} by {x.replace('_', ' ')}, over seeds",
        columns=[spaced("scope"), word("line"), key, number("mean", digits=digits), number("sd", "± sd", digits + 1),
                 number("gain", digits=digits, sign=True), number("models", digits=0)],
        content=rows, group=("scope", "line"), stub=3, caption=caption,
        notes=["A point is the mean of the models that differ in their seeds alone, those of drawn pairs included; sd "
               "is over them. Which pairs are in a scope follows from what each model was trained on."],
    )  # fmt: skip


def _row(model: SweptModel, scopes: Sequence[str], facts: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {**model.swept, "grid": model.grid, "model": model.model, "training_seed": model.seed}
    row = {"grid": row.pop("grid"), "model": row.pop("model"), **row}
    row |= {key: model.recipe.get(key) for key in RECIPE}
    for scope in scopes:
        own = model.rows.get(scope)
        row |= {f"{scope}_{key}": getattr(own, key) if own else None for key in FIELDS}
    return row | {key: value for key, value in facts.items() if key not in row}


def _key(key: str, rows: Sequence[Row]) -> Column:
    """A column of a swept key."""
    is_words = any(isinstance(row[key], str | bool) for row in rows)
    return Column(key, key.replace("_", " "), lambda row: _shown(row[key]), right=not is_words)


def _shown(value: Any) -> str:
    """A value of a specification as a table shows it."""
    if value is None:
        return "-"
    return f"{value:,g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _drawings(name: str, metric: str, axis: str | None, points: Sequence[CurvePoint]) -> list[Drawing]:
    if axis is None or len({point.x for point in points}) < 2:
        return []
    drawn = [LinePoint(point.scope, point.line, point.x, point.mean, point.sd) for point in points]
    scopes = list(dict.fromkeys(point.scope.replace("_", " ") for point in points))[:MOST_PANELS]
    lines = len({point.line for point in points})
    alt = (
        f"{lines} line{'s' if lines > 1 else ''} over {len({point.x for point in points})} values of "
        f"{axis.replace('_', ' ')}, in a panel each for {', '.join(scopes)}."
    )
    title = f"Mean {metric} by {axis.replace('_', ' ')}, with the spread over seeds"
    return [Drawing("lines", title, alt, sweep_lines(drawn, x=axis, label=metric), "lines")]


def _choices(
    store: Store,
    questions: Mapping[ScoreQuestion, Sequence[str]],
    models: Sequence[SweptModel],
    axis: str | None,
    layout: Layout,
) -> tuple[Choice, ...]:
    """What else can be asked for on the page."""
    first = next(iter(questions))
    choices = [Choice("metric", "Metric", texts_of(metric_names(store, first.grid)), first.metric)]
    if axis is not None:
        choices.append(Choice("x", "Over", texts_of(axes_of(models)), axis))
    scopes = [scope for scope in ORDER if any(scope in model.rows for model in models)]
    orders = (("grid", "as in the campaign"), *((scope, f"score, {scope.replace('_', ' ')}") for scope in scopes))
    choices.append(Choice("sort", "Order", orders, layout.sort))
    every = ",".join(scopes)
    shown = [
        ("", "seen, unseen, all"),
        (every, "every partition"),
        *((scope, scope.replace("_", " ")) for scope in scopes),
    ]
    choices.append(Choice("columns", "Partitions", tuple(shown), ",".join(layout.columns)))
    return tuple(choices)
