"""The runs page: every run of a campaign, by its number of training pairs and its scores on unseen pairs."""

from flask import Response, render_template, request

from dragoman.analysis.aggregation import SCOPES
from dragoman.analysis.partition_table import PartitionRow
from dragoman.analysis.systems import systems
from dragoman.metrics.lookup import digits_of
from dragoman.partition import Evidence
from dragoman.reports.quoted import marked
from dragoman.tables.table import Column, Row, Table, interval, number, share, word
from dragoman_ui.charts.scatter import chart
from dragoman_ui.responses.downloads import taken
from dragoman_ui.viewmodels.decorations import grid_link, model_link
from dragoman_ui.viewmodels.runs import UP, AskedRuns, FoundRuns
from dragoman_ui.viewmodels.store import open_store


def runs() -> str | Response:
    """Answer `/dragoman/runs?grid=...`: a page at once, or with `form` its table as a file."""
    asked = AskedRuns(request.args)
    tables = {"runs": lambda: _table(asked, asked.runs())}
    return taken(f"{asked.name}-{asked.metric}-{asked.scope}", tables, request.args) or render_template(
        "dragoman/runs.html",
        asked=asked,
        scopes=SCOPES,
        up=UP,
    )


def runs_chart() -> str:
    """Answer `/dragoman/charted?...`: the part of the page that takes a moment to compute."""
    asked = AskedRuns(request.args)
    found = asked.runs()
    drawn = chart(found.runs, asked.metric, asked.scope, asked.up == "gain")
    view = {
        "metric": asked.metric,
        "signature": asked.signature,
        "prompt": asked.prompt,
        "test_set": asked.test_set,
        "lines": asked.lines,
    }
    table = _table(asked, found).decorated({"model": model_link(**view), "grid": grid_link(**view)})
    return render_template("dragoman/charted.html", asked=asked, complaints=found.complaints, chart=drawn, table=table)


def _table(asked: AskedRuns, found: FoundRuns) -> Table:
    none = PartitionRow(scope=asked.scope, done=0, pairs=0, mean=None)
    rows = [
        {"grid": run.grid, "model": run.model, "evidence": run.evidence.value, "training_pairs": run.pairs,
         "training_examples": run.examples, **(run.scope(asked.scope) or none).model_dump(mode="json"),
         **found.captions[run.grid].facts}
        for run in found.runs
    ]  # fmt: skip
    digits = digits_of(asked.metric)
    table = Table(
        name="runs", title=f"{asked.name}: training pairs and {asked.metric} on {asked.scope} pairs", content=rows,
        stub=2, caption=found.caption, notes=[note] if (note := found.note(asked.scope)) else [], columns=[
            word("grid"), word("model"), word("evidence"), _known("training_pairs"), _known("training_examples"),
            share("pairs", "done", "pairs"), number("mean", asked.metric, digits),
            interval("low", "high", digits=digits),
            number("gain", digits=digits, sign=True), interval("gain_low", "gain_high", digits=digits, sign=True),
            number("off_target", "off-target %"),
        ],
    )  # fmt: skip
    store = open_store()
    grids = dict.fromkeys(run.grid for run in found.runs)
    return marked(table, [each for grid in grids for each in systems(store, grid)])


def _known(key: str) -> Column:
    """A column of counts that are left out where the training graph is unknown."""

    def text(row: Row) -> str:
        return "unknown" if row["evidence"] == Evidence.UNKNOWN.value else f"{row[key]:,}"

    return Column(key, key.replace("_", " "), text, values=(key, "evidence"))
