"""`dragoman judge-consistency`: a sample of segments judged a second time."""

from typing import Annotated

import typer

from dragoman import interruption
from dragoman.cli.arguments import GridArgument, complete_metrics, open_store
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import Answer, printed
from dragoman.cli.score import given_options
from dragoman.errors import StoreError
from dragoman.judgement.texts import GridTexts
from dragoman.metrics.resampling import SEED
from dragoman.planning.model_metrics import with_options
from dragoman.settings import settings
from dragoman.tables.table import Table, interval, number, word
from dragoman_jobs.judges.consistency import consistency, judged_twice


@grouped(Group.RESULTS)
@printed
def judge_consistency(
    grid: GridArgument,
    metric: Annotated[
        str, typer.Option("--metric", metavar="METRIC", help="The judge.", autocompletion=complete_metrics)
    ],
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option", metavar="KEY=VALUE", help="An option of it, over those that the grid's spec gives it."
        ),
    ] = None,
    sample: Annotated[int, typer.Option("--sample", min=2, help="Segments that are judged twice.")] = 100,
    pair: Annotated[
        list[str] | None, typer.Option("--pair", metavar="PAIR", help="Only this pair; may be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the sample, and of the intervals.")] = SEED,
) -> Answer:
    """Tell how consistent a judge is: a sample of a grid's translations is judged a second time, with another seed.

    What was judged before is not paid for again; the second judgement is, once. Scores in the store stay as they are.
    Measures: the share readable both times, and of these the share of equal scores, the second minus the first on
    average, their mean distance, Pearson's and Kendall's correlation, and the F1 of the characters marked as errors.
    Table: consistency.

    Examples: dragoman judge-consistency demo --metric gemba-mqm:one --sample 200 ·
    dragoman judge-consistency demo --metric gemba-da --option model=gpt-4o-mini --pair en-de --json
    """
    store = open_store()
    configured = with_options(given_options(store, grid, [metric], option or ()), "--option")
    if not configured:
        raise StoreError(f"{metric} is no judge, and scores the same each time: name one, such as gemba-mqm.")
    texts = GridTexts(store, grid)
    pairs = [texts.pair(each) for each in pair or ()]
    interruption.keeps("Answers of the judge are kept, and are not paid for again: the same command asks for the rest.")
    twice = judged_twice(
        store, grid, configured[0], sample=sample, seed=seed, home=settings().home.resolve(), pairs=pairs
    )
    table = Table(
        name="consistency",
        title=f"{grid}: {metric} judges twice",
        content=[measure._asdict() for measure in consistency(twice, seed=seed)],
        columns=[
            word("measure"), number("estimate", digits=3), interval("low", "high", digits=3), number("n", digits=0),
        ],
    )  # fmt: skip
    return Answer([table], f"{len(twice.first)} segments; intervals are of resampled segments.")
