"""The grids of a campaign are found by its name, and by any of them."""

import pytest

from dragoman.analysis.campaigns import campaign_of, campaigns, grids_of, siblings
from dragoman.errors import StoreError


@pytest.fixture
def swept(small):
    """The small grid, and two more of a campaign."""
    for name in ("sweep-b", "sweep-a"):
        spec = {"name": name, "campaign": "sweep"}
        small.store.grids.add(small.grid.model_copy(update={"name": name, "spec": spec}), small.cells)
    return small.store


def test_a_campaign_is_its_grids(swept):
    assert campaigns(swept) == {"sweep": ["sweep-a", "sweep-b"]}
    assert grids_of(swept, "sweep") == ["sweep-b", "sweep-a"]
    assert siblings(swept, "sweep-b") == ["sweep-a", "sweep-b"]


def test_a_grid_of_no_campaign_stands_alone(swept):
    assert grids_of(swept, "small") == siblings(swept, "small") == ["small"]


def test_the_campaign_of_a_grid(swept):
    assert campaign_of(swept, "sweep-a") == "sweep"
    assert campaign_of(swept, "small") == "small"
    assert campaign_of(swept, "not there") == "not there"


def test_an_unknown_grid_has_no_siblings(swept):
    with pytest.raises(StoreError, match="no grid 'sweep': did you mean 'sweep-"):
        siblings(swept, "sweep")
