"""`dragoman rank`: all systems of a grid ranked on the pairs that all of them have."""

from collections.abc import Sequence
from typing import Annotated

import typer

from dragoman.analysis.aggregation import ALL
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.significance_plan import ALPHA, FEWEST_ASKED, MOST_ASKED
from dragoman.analysis.system_ranking import rank as rank_systems
from dragoman.analysis.units import Unit
from dragoman.cli.arguments import (
    GridArgument,
    LinesOption,
    MetricOption,
    MicroOption,
    PromptOption,
    SignatureOption,
    TestSetOption,
    complete_models,
    open_snapshot,
)
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import printed, until_printed
from dragoman.metrics.resampling import SEED
from dragoman.reports.choices import chosen_metric
from dragoman.reports.ranking import tables
from dragoman.tables.table import Table


@grouped(Group.RESULTS)
@printed
def rank(
    grid: GridArgument,
    over: Annotated[
        str,
        typer.Option(
            metavar="SCOPE",
            help="The pairs: a partition, unseen or all; of partitions that differ by model, the pairs that are in it "
            "under all models.",
        ),
    ] = ALL,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            metavar="MODEL",
            help="Only this model with all its prompts, or MODEL:PROMPT; may be repeated.",
            autocompletion=complete_models,
        ),
    ] = None,
    metric: MetricOption = None,
    prompt: PromptOption = None,
    test_set: TestSetOption = None,
    signature: SignatureOption = None,
    lines: LinesOption = None,
    alpha: Annotated[float, typer.Option(help="Adjusted p-values up to this are significant.")] = ALPHA,
    samples: Annotated[
        int | None,
        typer.Option(
            min=FEWEST_ASKED, max=MOST_ASKED, help="Trials of each test; by default enough for the number of systems."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the deals; sacreBLEU's by default.")] = SEED,
    unit: Annotated[
        Unit, typer.Option(help="What is dealt; document: all sentences of one together, where it is known.")
    ] = Unit.SENTENCE,
    micro: MicroOption = False,
) -> Sequence[Table]:
    """Rank the systems of a grid, models and baselines with each of their prompts, on the pairs all of them have.

    The means of every two systems are tested by paired randomization from the stored statistics, in which a sentence is
    dealt in all pairs at once, and p-values are adjusted after Holm for the number of pairs of systems. Systems stand
    in clusters as at WMT, with the ranks each may have. Of several test sets it is the first, or the one named. Against
    the next system: the smallest difference that this test set shows, how many sentences the observed one takes, and
    how often people agree with one of that size. Quoted scores are listed below, unranked. Tables: ranking, quoted,
    neighbours, shares, differences.

    Examples: dragoman rank demo · dragoman rank demo --over unseen --metric chrf++ ·
    dragoman rank demo --model base --model roles --model english-centric ·
    dragoman rank demo --lines domain=dates · dragoman rank demo --test-set ntrex --table ranking --latex ·
    dragoman rank demo --table differences --csv
    """
    store = until_printed(open_snapshot())
    metric = chosen_metric(store, grid, metric)
    question = ScoreQuestion(
        grid, metric, signature=signature, prompt=prompt, test_set=test_set, lines=lines, micro=micro
    )
    found = rank_systems(
        store, question, models=model or (), over=over, alpha=alpha, samples=samples, seed=seed, unit=unit
    )
    return tables(grid, found)
