"""The cell page: the sentences of one pair, runs side by side."""

import re
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any

from flask import Response, render_template, request, url_for
from markupsafe import Markup

from dragoman.cell import CellState
from dragoman.line_filter import LineFilter
from dragoman.metrics.errors.label import Label
from dragoman.metrics.lookup import digits_of, sentence_metric
from dragoman.pair import Pair
from dragoman.reports.quoted import MARK
from dragoman.reports.scores import score, score_interval
from dragoman.store.records import CellRecord
from dragoman.tables.table import Column, Decoration, Row, Table, figure, number, word
from dragoman_ui.responses.downloads import at_hand, taken
from dragoman_ui.viewmodels.candidates import is_from_elsewhere, rows_beside
from dragoman_ui.viewmodels.judgements import tables_of_pair
from dragoman_ui.viewmodels.sentences import Arrangement, PairView, pair_view
from dragoman_ui.viewmodels.store import open_store
from dragoman_ui.viewmodels.systems import Names, one_of
from dragoman_ui.viewmodels.view import View


def cell() -> str | Response:
    """Answer `/dragoman/cell?grid=...&source=...&target=...`: a page, or with `form` the sentences found as a file."""
    store = open_store()
    view = View.of(store, request.args)
    grid = store.grids.get(view.grid)
    pair = Pair.among(request.args.get("source", ""), request.args.get("target", ""), grid.languages)
    asked = request.args.get("sentences") or Arrangement.FILE
    arrangement = Arrangement(one_of("Sentences can't be ordered by", asked, Arrangement))
    search, page = request.args.get("search", ""), request.args.get("page", 1, type=int)
    names = Names.of(store, view.grid)
    by = one_of(
        f"Grid '{view.grid}' has no metric",
        request.args.get("by") or sentence_metric(names.metrics) or names.metrics[0],
        names.metrics,
    )
    wanted = request.args.get("label")
    label = _label(wanted) if wanted else None
    shown = rows_beside(store, names, view, request.args.getlist("beside"))
    size = {"size": None} if request.args.get("form") else {}
    found = pair_view(store, grid, shown, pair, by, search, arrangement, page, label, lines=view.lines, **size)
    tables = {"sentences": lambda: sentence_table(view, found, by), "models": lambda: model_table(view, found)}
    people = tables_of_pair(store, view.grid, pair, view.test_set)
    tables |= at_hand(people)
    return taken(f"{view.grid}-{pair}", tables, request.args) or render_template(
        "dragoman/cell.html",
        view=view,
        grid=grid,
        names=names,
        choices=list(dict.fromkeys([view.model, *names.rivals(view.system), *shown])),
        shown=shown,
        by=by,
        found=found,
        models=model_table(view, found),
        scored=model_table(view, found, lambda metric: metric in (None, view.metric, by)),
        beside_it=neighbours(store.grids.pairs(view.grid, names.test_sets.get(view.test_set or "")), pair),
        kept={**view.query(), "by": by, "sentences": arrangement.value, "beside": request.args.getlist("beside")},
        people=people,
        search=search,
        arrangement=arrangement,
        label=label,
        only=lambda name, value: str(LineFilter(((name, value),))),
        found_labels=[each for each in Label if any(each in counts for counts in found.labels.values())],
        arguments={
            **view.query(), "source": pair.source, "target": pair.target, "search": search, "by": by,
            "sentences": arrangement.value, "label": label.value if label else None,
            "beside": request.args.getlist("beside"),
        },
    )  # fmt: skip


def neighbours(planned: Sequence[Pair], pair: Pair) -> tuple[Pair | None, Pair | None]:
    """The pairs before and after one among others; None at an end."""
    if pair not in planned:
        return None, None
    at = planned.index(pair)
    return (planned[at - 1] if at else None), (planned[at + 1] if at + 1 < len(planned) else None)


def _label(wanted: str) -> Label:
    """A label by its name, or by one of earlier releases."""
    try:
        return Label(wanted)
    except ValueError:
        return Label(one_of("There is no label", wanted, Label))


def sentence_table(view: View, found: PairView, by: str) -> Table:
    """The sentences with the hypothesis of each run."""
    names = [each.model for each in found.candidates if each.lines]
    about = sorted({name for segment in found.segments for name in segment.about})
    most = max((len(segment.further) for segment in found.segments), default=0)
    further = [f"reference_{place}" for place in range(2, most + 2)]
    rows = []
    for segment in found.segments:
        row = {"number": segment.number, "source": segment.source, "reference": segment.reference}
        row |= dict(zip_longest(further, segment.further))
        row |= {f"line {name}": segment.about.get(name) for name in about}
        for each in segment.hypotheses:
            row |= {
                _named(each.model): each.text,
                f"{each.model} {by}": each.score,
                f"{each.model} labels": " ".join(each.labels),
                f"{each.model} language": each.language,
                **{f"{each.model} {metric} errors": None for metric in found.marking},
                **{f"{each.model} {marked.metric} errors": marked.written for marked in each.errors},
            }
        rows.append(row)

    def judged(name: str) -> Column:
        return Column(f"{name} {by}", f"{name} {by}", lambda row: figure(row[f"{name} {by}"], digits_of(by)))

    columns = [number("number", "no.", digits=0), word("source"), word("reference"), *map(word, further)]
    columns += [word(f"line {name}", name) for name in about]
    for name in names:
        columns += [word(_named(name), name), judged(name), word(f"{name} labels"), word(f"{name} language")]
        columns += [word(f"{name} {metric} errors") for metric in found.marking]
    return Table(name="sentences", title=f"{view.grid}: {found.pair}", content=rows, columns=columns)


def _named(model: str) -> str:
    """The key of a run's sentences: its name, but for one that is the name of a column of every row."""
    return f"{model} hypothesis" if re.fullmatch(r"number|source|reference(_\d+)?", model) else model


def model_table(view: View, found: PairView, shows: Callable[[str | None], bool] = lambda metric: True) -> Table:
    """The scores of each run on the pair: a row for each score, and one for a run that has none.

    Args:
        view: the view.
        found: the sentences of the pair, with the runs.
        shows: whether scores of a metric are shown; all by default.
    """
    rows = [
        {"model": each.model, "state": each.cell.state.value, "reason": each.cell.reason,
         "metric": score and score.metric, "signature": score and score.signature, "value": score and score.value,
         "low": score and score.low, "high": score and score.high, "sentences": each.cell.segments,
         **_decoded(each.cell), "engine": each.cell.engine,
         "labels": ", ".join(f"{count} {name.facts.title}" for name, count in found.labels[each.model].items()) or None}
        for each in found.candidates
        for score in each.scores or (None,)
        if shows(score.metric if score else None)
    ]  # fmt: skip
    first = {row["model"]: row for row in reversed(rows)}

    def labels(row: Row) -> Markup:  # they are the model's, and not those of one of its scores
        return _label_links(found, row["model"]) if first[row["model"]] is row else Markup("")

    only = f", lines with {view.lines}" if view.lines else ""
    counts = [number(name, digits=0) for name in ("sentences", "cut", "too_long", "tokens")]
    return Table(
        name="models", title=f"{view.grid}: every model on {found.pair}{only}", content=rows, group="model",
        columns=[Column("model", "model", _with_mark, right=False), word("state"), word("reason"),
                 word("metric"), score("value"),
                 score_interval("low", "high"), word("signature"), *counts, number("seconds"), word("engine"),
                 word("labels")],
    ).decorated({"labels": Decoration(html=labels), "signature": Decoration(css=lambda row: "breaks")})  # fmt: skip


def _with_mark(row: Row) -> str:
    """A run's name, with the mark where its scores are quoted; its state and its signature say the rest."""
    return f"{row['model']} {MARK}" if row["state"] == CellState.QUOTED.value else str(row["model"])


def _decoded(cell: CellRecord) -> dict[str, Any]:
    """What is known of the decoding of a cell; nothing of one from elsewhere."""
    figures = {"cut": cell.cut, "too_long": cell.too_long, "tokens": cell.tokens, "seconds": cell.seconds}
    return dict.fromkeys(figures) if is_from_elsewhere(cell) else figures


def _label_links(found: PairView, model: str) -> Markup:
    """How many of a run's hypotheses have each label, with links to those."""
    asked: dict[str, Any] = {name: values for name, values in request.args.lists() if name not in ("label", "page")}
    link = Markup('<a href="{}">{} {}</a>')
    links = [
        link.format(url_for("dragoman.cell", **asked, label=name.value), count, name.facts.title)
        for name, count in found.labels[model].items()
    ]
    return Markup(", ").join(links) or Markup("-")
