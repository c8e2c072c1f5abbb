"""What MLflow's own pages show of a grid: notes that lead to Dragoman's pages, and a view with the columns that matter.

MLflow's pages can't be extended from outside, but they show the tag `mlflow.note.content` as Markdown, whose relative
links lead to what the same server serves, and restore a view of the runs' table from an experiment's tag
`mlflow.sharedViewState.KEY`, when the address says `viewStateShareKey=KEY`. The view's format is not documented: these
are the names that MLflow 3.17 reads (its `ExperimentPageUIState` and search facets), as JSON.
"""

import json
from collections.abc import Iterable, Sequence
from urllib.parse import urlencode

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
    """What MLflow calls a metric: its names have no plus sign."""
    return metric.replace("+", "p")


def link(text: str, page: str, **query: str) -> str:
    """A Markdown link from MLflow's pages to one of ours."""
    return f"[{text}](dragoman/{page}?{urlencode(query)})"


def experiment_note(grid: str, experiment: str) -> str:
    """What an experiment's page says: where the grid's pages are."""
    return (
        f"**{grid}** in Dragoman: {link('pair matrix', 'grid', grid=grid)} · "
        f"{link('comparison of models', 'compare', grid=grid)} · [promotions](dragoman/promotions)\n\n"
        f"[Scores by partition](#/experiments/{experiment}/runs?viewStateShareKey={_VIEW}), as columns of the runs.\n"
    )


def model_links(grid: str, model: str) -> str:
    """The line under a model's note."""
    here = {"grid": grid, "model": model}
    return f"{link('Pair matrix', 'grid', **here)} · {link('against other models', 'compare', **here)}"


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
            "orderByAsc": False,
            "startTime": "ALL",
            "lifecycleFilter": "Active",
            "modelVersionFilter": "All Runs",
            "datasetsFilter": [],
            "selectedColumns": columns,
            "columnOrder": columns,
        }
    )
