"""`dragoman plan`: what a spec would run, before it runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dragoman import interruption
from dragoman.cli.arguments import open_snapshot
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import printed, until_printed
from dragoman.planning.adoption import adopt_from
from dragoman.planning.cost import estimate
from dragoman.planning.manifest import manifest_path, prepare
from dragoman.planning.plan import Plan
from dragoman.planning.planner import make_plan
from dragoman.reports.campaign import across
from dragoman.reports.plan import (
    cells,
    contamination,
    cost,
    from_files,
    languages,
    missing,
    models,
    reading_text,
    text,
)
from dragoman.reports.plan_lines import line_breaks, tokens, too_long
from dragoman.reports.planned_test_sets import test_sets
from dragoman.reports.power import power
from dragoman.reports.slices import labels
from dragoman.settings import settings
from dragoman.spec.loading import load_campaign
from dragoman.store import migrations
from dragoman.store.database.connection import Database
from dragoman.store.store import Store
from dragoman.tables.table import Table

SpecArgument = Annotated[Path, typer.Argument(metavar="SPEC", help="A grid spec in YAML.", show_default=False)]


@grouped(Group.RUN)
@printed
def plan(spec: SpecArgument) -> Sequence[Table]:
    """Plan a grid without running it: models, partitions, training text, missing pairs, contamination, cells, cost.

    Training text is read, and the manifest written that `dragoman run` goes by: home/plans/GRID.json. Nothing else is.
    Of a sweep, every grid is planned, and the tables say which grid each row is of.

    Tables: models, test_sets, languages, text, line_breaks, missing, tokens, too_long, contamination, from_files,
    labels, cells, power, cost.

    Examples: dragoman plan examples/demo.yaml · dragoman plan examples/demo.yaml --json
    """
    interruption.keeps("Nothing was run: the same command plans again, and `dragoman run` does too before it runs.")
    campaign = load_campaign(spec)
    prepared = [_prepared(planned) for planned in map(make_plan, campaign.grids)]
    store = _snapshot()  # only now: nobody's text is waited for meanwhile
    grids = {planned.spec.name: _tables(planned, store) for planned in prepared}
    return across(campaign.name, grids) if campaign.is_sweep else grids[campaign.name]


def _prepared(planned: Plan) -> Plan:
    """A plan under the identities that the store knows it by, after its training text was read."""
    place = settings()
    planned = adopt_from(planned, place.store_url, place.blobs_url)
    with reading_text(planned) as tell:
        return prepare(planned, place.home, tell)


def _tables(planned: Plan, store: Store | None) -> list[Table]:
    home = settings().home
    return [
        models(planned),
        test_sets(planned),
        languages(planned),
        text(planned),
        line_breaks(planned),
        missing(planned),
        tokens(planned),
        too_long(planned),
        contamination(planned),
        from_files(planned),
        labels(planned),
        cells(planned, store),
        power(planned, store),
        cost(planned, estimate(planned, store), manifest_path(home, planned.spec.name)),
    ]


def _snapshot() -> Store | None:
    """The results store as of this moment, if there is one; asking creates nothing."""
    place = settings()
    if not migrations.exists(Database(place.store_url)):
        return None
    return until_printed(open_snapshot())
