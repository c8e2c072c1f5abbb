"""`dragoman metrics`: where the metrics of a grid disagree."""

from typing import Annotated

import typer

from dragoman.analysis.aggregation import ALL
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import metric_names
from dragoman.cli.arguments import (
    GridArgument,
    LinesOption,
    PromptOption,
    TestSetOption,
    complete_metrics,
    complete_models,
    open_snapshot,
)
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import Answer, printed, until_printed
from dragoman.cli.reports import DrawingOption, FigureOption, LogOption, reported
from dragoman.disagreement.metrics import metric_disagreement
from dragoman.errors import StoreError
from dragoman.metrics.resampling import SEED
from dragoman.reports.metric_disagreement import report


@grouped(Group.ANALYSES)
@printed
def metrics(
    grid: GridArgument,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric", metavar="METRIC", help="Only this metric; may be repeated.", autocompletion=complete_metrics
        ),
    ] = None,
    between: Annotated[
        list[str] | None,
        typer.Option(
            "--between", metavar="METRIC", autocompletion=complete_metrics,
            help="A metric whose sentences are compared; to be given twice. By default the two that agree least.",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model", metavar="MODEL", help="Only this model with all its prompts, or MODEL:PROMPT; may be repeated.",
            autocompletion=complete_models,
        ),
    ] = None,
    over: Annotated[str, typer.Option(metavar="SCOPE", help="The pairs: a partition, unseen or all.")] = ALL,
    prompt: PromptOption = None,
    test_set: TestSetOption = None,
    lines: LinesOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Sentences that are listed.")] = 20,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the tests and intervals.")] = SEED,
    figure: FigureOption = None,
    drawing: DrawingOption = None,
    log: LogOption = False,
) -> Answer:  # fmt: skip
    """Tell which metrics disagree: ranks of systems by each, agreement of every two, sentences they see most apart.

    All metrics are compared on the systems and pairs that all of them have: by soft pairwise accuracy and Kendall's tau
    of systems, and by Kendall's tau of translations. The sentences are those whose scores differ most, each in standard
    deviations from its metric's mean of the pair. Tables: ranks, agreement, apart. Figure: ranks.

    Examples: dragoman metrics demo · dragoman metrics demo --between chrf++ --between gemba-mqm:one --limit 50 ·
    dragoman metrics demo --over unseen --figure ranks.svg --json
    """
    if between and len(between) != 2:
        raise StoreError(f"--between takes two metrics, and {len(between)} is given: name both.")
    store = until_printed(open_snapshot())
    question = ScoreQuestion(grid, "", prompt=prompt, test_set=test_set, lines=lines)
    found = metric_disagreement(
        store, question, metrics=metric or (), models=model or (), over=over, limit=limit, seed=seed,
        between=(between[0], between[1]) if between else None,
    )  # fmt: skip
    made = report(question, found, over, metric_names(store, grid))
    return reported(store, made, figure=figure, drawing=drawing, log=log)
