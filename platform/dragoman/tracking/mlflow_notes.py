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
KIND_TAG = "mlflow.experimentKind"
KIND = "custom_model_development"
"""Tag of an experiment and its value where models are trained: MLflow's pages begin with runs, not with traces."""
_TRAINING = "workflowType=machine_learning"
"""In an address, what has MLflow 3.17 show its pages for training, whatever the reader looked at last."""
_VIEW = "dragoman"
VIEW_TAG = f"mlflow.sharedViewState.{_VIEW}"

_LEADS = "In Dragoman: "
"""What the line of links above a version's description begins with."""

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


def experiment_page(experiment: str, has_view: bool) -> str:
    """Where MLflow shows the runs of an experiment, below the server's address.

    Args:
        experiment: id of the experiment.
        has_view: whether it has its saved view, which it gets when a grid ends.
    """
    view = f"&viewStateShareKey={_VIEW}" if has_view else ""
    return f"#/experiments/{experiment}/runs?{_TRAINING}{view}"


def run_page(experiment: str, run: str) -> str:
    """Where MLflow shows a run, below the server's address."""
    return f"#/experiments/{experiment}/runs/{run}?{_TRAINING}"


def registered_note(name: str) -> str:
    """What MLflow's page of a registered model says of it: links to our pages."""
    pages = (link("versions and gates", "model", name=name), "[promotions](dragoman/promotions)")
    return f"**{name}** in Dragoman: {' · '.join(pages)}\n"


def version_note(name: str, version: str, grid: str, model: str) -> str:
    """The line above a version's description: links to its gate and its grid.

    Args:
        name: name of the registered model.
        version: number of the version.
        grid: the grid it comes from.
        model: its name there.
    """
    return f"{_LEADS}{link('gate', 'model', name=name, version=version)} · {model_links(grid, model)}\n\n"


def without_note(description: str) -> str:
    """A version's description without that line, for our own pages."""
    return description.partition("\n\n")[2] if description.startswith(_LEADS) else description


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
    view = experiment_page(experiment, has_view)
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
