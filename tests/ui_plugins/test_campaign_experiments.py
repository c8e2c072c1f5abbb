"""The grids of a campaign share an experiment in MLflow: links lead to it, and its permissions hold for them."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from dragoman_registry.promotion.roles import Role
from dragoman_ui.auth import users
from dragoman_ui.viewmodels import mlflow_links

Experiments = Callable[..., None]


@pytest.fixture
def experiments(monkeypatch: pytest.MonkeyPatch) -> Experiments:
    """Has MLflow know these experiments, by name and id, and the user have EDIT on number 1 alone."""

    def know(**ids: str) -> None:
        known = {name: SimpleNamespace(experiment_id=number, tags={}) for name, number in ids.items()}
        client = SimpleNamespace(get_experiment_by_name=known.get)
        auth = SimpleNamespace(
            sender_is_admin=lambda: False,
            _get_tracking_store=lambda: client,
            _get_experiment_permission=lambda number, _: SimpleNamespace(name="EDIT" if number == "1" else "READ"),
        )
        monkeypatch.setattr(users, "_auth", lambda: auth)
        monkeypatch.setattr(users, "signed_in", lambda: "ada")
        monkeypatch.setattr(mlflow_links, "client_at", lambda _: client)
        monkeypatch.setattr(mlflow_links, "_store_of_server", lambda _: "sqlite://")

    campaigns: dict[str, str] = {"swept-a": "swept"}
    for module in (users, mlflow_links):
        anything: Any = module
        monkeypatch.setattr(anything, "open_store", lambda: None)
        monkeypatch.setattr(anything, "campaign_of", lambda _, grid: campaigns.get(grid, grid))
    return know


def test_of_a_campaign_it_is_the_campaigns(experiments: Experiments) -> None:
    experiments(swept="1", alone="2", **{"swept-a": "3"})
    assert mlflow_links.experiment_link("swept-a") == "../#/experiments/1/runs?workflowType=machine_learning"
    assert mlflow_links.experiment_link("alone") == "../#/experiments/2/runs?workflowType=machine_learning"
    assert users.role_for_grid("swept-a") == Role.SUBMITTER
    assert users.role_for_grid("alone") == Role.VIEWER


def test_a_grid_that_ran_when_campaigns_had_none_keeps_its_own(experiments: Experiments) -> None:
    experiments(**{"swept-a": "1"})
    assert mlflow_links.experiment_link("swept-a") == "../#/experiments/1/runs?workflowType=machine_learning"
    assert users.role_for_grid("swept-a") == Role.SUBMITTER
    assert mlflow_links.experiment_link("nowhere") is None
    assert users.role_for_grid("nowhere") == Role.VIEWER
