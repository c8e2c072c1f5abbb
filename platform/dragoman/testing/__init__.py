"""Test helpers for programs and plugins that build on Dragoman: stores filled with small grids, without a run."""

from dragoman.testing.grid_builder import GridBuilder
from dragoman.testing.made_campaign import MadeCampaign
from dragoman.testing.random_scores import random_score
from dragoman.testing.small_grid import SmallGrid

__all__ = ["GridBuilder", "MadeCampaign", "SmallGrid", "random_score"]
