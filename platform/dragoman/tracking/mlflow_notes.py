"""Notes and saved views for MLflow's own pages: links to Dragoman's pages, and a runs table with the main columns.

MLflow's pages can't be extended from outside, but they show the tag `mlflow.note.content` as Markdown, whose relative
links lead to what the same server serves, and restore a view of the runs' table from an experiment's tag
`mlflow.sharedViewState.KEY`, when the address says `viewStateShareKey=KEY`. The view's format is not documented: these
are the names that MLflow 3.17 reads (its `ExperimentPageUIState` and search facets), as JSON.
"""

import json
from collections.abc import Iterable, Sequence
from urllib.parse import urlencode

from dragoman.analysis.pair_differences import higher_is_better

NOTE_TAG = "mlflow.note.content"
_VIEW = "dragoman"
VIEW_TAG = f"mlflow.sharedViewState.{_VIEW}"

SCOPES = (
    "all",
    "seen",
    "unseen",
    "recombined",
    "reversed",
    "one_sided",
    "unseen_source",
    "unseen_target",
    "unseen_both",
)
"""Scopes in the order of the columns."""


def metric_name(metric: str) -> str:
    """MLflow's name of a metric: without the plus sign, which MLflow doesn't allow."""
    return metric.replace("+", "p")


def link(text: str, page: str, **query: str) -> str:
    """A Markdown link from MLflow's pages to one of ours."""
    return f"[{text}](dragoman/{page}?{urlencode(query)})"


def experiment_note(grid: str, experiment: str, campaign: str | None = None, has_view: bool = True) -> str:
    """The note of an experiment: links to the pages of the grid, or of its campaign.

    Args:
        grid: name of the grid, or of one of the campaign's.
        experiment: id of the experiment.
        campaign: name of the campaign, where the experiment is that of one.
        has_view: whether the experiment has its saved view, which it gets when a grid ends.
    """
    pages = grid_links(grid)
    if campaign:
        pages = " · ".join(
            (link("how far it has come", "campaign", name=campaign), link("all its runs", "runs", grid=grid))
        )
    said = f"**{campaign or grid}** in Dragoman: {pages} · [promotions](dragoman/promotions)\n"
    view = f"#/experiments/{experiment}/runs?viewStateShareKey={_VIEW}"
    return f"{said}\n[Scores by partition]({view}), as columns of the runs.\n" if has_view else said


def grid_links(grid: str) -> str:
    """Links to a grid's pages."""
    pages = {
        "how far it has come": "job",
        "pair matrix": "grid",
        "seen and unseen": "partitions",
        "comparison of models": "compare",
        "all runs": "runs",
    }
    return " · ".join(link(text, page, grid=grid) for text, page in pages.items())


def model_links(grid: str, model: str) -> str:
    """The line under a model's note."""
    here = {"grid": grid, "model": model}
    pages = {"Pair matrix": "grid", "seen and unseen": "partitions", "against other models": "compare"}
    if model != "base":
        pages["model card"] = "card"
    return " · ".join(link(text, page, **here) for text, page in pages.items())


def saved_view(metrics: Sequence[str], scopes: Iterable[str]) -> str:
    """A view of a grid's runs: the evaluations, with their scores by partition as columns, the best first.

    Args:
        metrics: names of metrics, the most important first; those after the third have no columns.
        scopes: the partitions that occur.
    """
    present = [scope for scope in SCOPES if scope in set(scopes)]
    columns = [f"metrics.`{metric_name(metric)}/{scope}`" for metric in metrics[:3] for scope in present]
    if metrics:
        columns += [f"metrics.`{metric_name(metrics[0])}/{scope}/gain`" for scope in present]
    return json.dumps(
        {
            "searchFilter": "tags.`dragoman.key` LIKE 'evaluation/%'",
            "orderByKey": columns[0] if columns else "attributes.start_time",
            "orderByAsc": bool(metrics) and not higher_is_better(metrics[0]),
            "startTime": "ALL",
            "lifecycleFilter": "Active",
            "modelVersionFilter": "All Runs",
            "datasetsFilter": [],
            "selectedColumns": columns,
            "columnOrder": columns,
        }
    )
