"""`dragoman plan`: what a spec would run, before it runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dragoman.cli.output import printed
from dragoman.planning.adoption import adopt
from dragoman.planning.cost import estimate
from dragoman.planning.manifest import manifest_path, prepare
from dragoman.planning.plan import Plan, make_plan
from dragoman.reports.campaign import across
from dragoman.reports.plan import cells, contamination, cost, languages, missing, models, reading_text, text
from dragoman.settings import settings
from dragoman.spec.loading import load_campaign
from dragoman.store import migrations
from dragoman.store.database.connection import Database
from dragoman.store.store import Store
from dragoman.tables.table import Table, number, word

SpecArgument = Annotated[Path, typer.Argument(metavar="SPEC", help="A grid spec in YAML.", show_default=False)]


@printed
def plan(spec: SpecArgument) -> Sequence[Table]:
    """Enumerate a grid before it runs: models, partitions, training text, missing pairs, contamination, cells, cost.

    Training text is read, and the manifest written that `dragoman run` goes by: home/plans/GRID.json. Nothing else is.
    Of a sweep, every grid is planned, and the tables say which grid each row is of.

    Example: dragoman plan examples/demo.yaml

    Example: dragoman plan examples/demo.yaml --json
    """
    campaign = load_campaign(spec)
    store = _store()
    grids = {}
    for planned in map(make_plan, campaign.grids):
        grids[planned.spec.name] = _tables(adopt(planned, store) if store else planned, store)
    return across(campaign.name, grids) if campaign.is_sweep else grids[campaign.name]


def _tables(planned: Plan, store: Store | None) -> list[Table]:
    """What a grid is, after its training text was read."""
    home = settings().home
    with reading_text(planned) as tell:
        planned = prepare(planned, home, tell)
    return [
        models(planned), languages(planned), text(planned), line_breaks(planned), missing(planned),
        contamination(planned), cells(planned, store),
        cost(planned, estimate(planned, store), manifest_path(home, planned.spec.name)),
    ]  # fmt: skip


def line_breaks(planned: Plan) -> Table:
    """The sentences with line breaks in them, for each pair where there are any."""
    rows = [
        {"text": "training", "model": training.identity.name, "pair": str(pair), "sentences": text.line_breaks}
        for training in planned.trainings
        if training.text
        for pair, text in training.text.pairs.items()
        if text.line_breaks
    ]
    tested = planned.line_breaks.items()
    return Table(
        name="line_breaks",
        title="Sentences with line breaks in them",
        columns=[word("text"), word("model"), word("pair"), number("sentences", digits=0)],
        content=[*rows, *({"text": "test", "model": None, "pair": str(pair), "sentences": n} for pair, n in tested)],
        notes=["Each line break is read as a space: a sentence is one line, in references, sources and examples."],
    )


def _store() -> Store | None:
    """The results store, if there is one; asking creates nothing."""
    place = settings()
    if not migrations.exists(Database(place.store_url)):
        return None
    return Store.open_existing(place.store_url, place.blobs_url)
