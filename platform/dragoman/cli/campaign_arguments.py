"""Shared arguments of the commands that are about a campaign."""

from typing import Annotated

import typer

from dragoman.analysis.campaigns import campaigns
from dragoman.cli.arguments import complete_grids, open_store
from dragoman.errors import DragomanError


def complete_campaigns(incomplete: str) -> list[str]:
    """Names of campaigns, then of grids, for the shell."""
    try:
        names = campaigns(open_store())
    except DragomanError:
        return []
    return [*(name for name in names if name.startswith(incomplete)), *complete_grids(incomplete)]


CampaignArgument = Annotated[
    str,
    typer.Argument(
        metavar="CAMPAIGN",
        help="Name of a campaign, or of a grid with several finetuned models.",
        autocompletion=complete_campaigns,
    ),
]
GridsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--grid", metavar="GRID", help="Only this grid of the campaign; may be repeated.", autocompletion=complete_grids
    ),
]
TunedOption = Annotated[
    list[str] | None,
    typer.Option(
        "--model", metavar="MODEL", help="Only finetuned models of this name in their grids; may be repeated."
    ),
]
DecodingOption = Annotated[
    str | None, typer.Option("--decoding", metavar="TEXT", help="Only cells whose decoding holds this text.")
]
