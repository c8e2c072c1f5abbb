"""`dragoman instructions`: what right, none and wrong instructions make of a grid's models."""

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.cli.arguments import (
    GridArgument,
    MetricOption,
    ModelsOption,
    PromptOption,
    TestSetOption,
    open_snapshot,
)
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import Answer, printed, until_printed
from dragoman.cli.reports import DrawingOption, FigureOption, LogOption, reported
from dragoman.reports.choices import chosen_metric
from dragoman.reports.instructions import instructions_report


@grouped(Group.ANALYSES)
@printed
def instructions(
    grid: GridArgument,
    model: ModelsOption = None,
    metric: MetricOption = None,
    prompt: PromptOption = None,
    test_set: TestSetOption = None,
    figure: FigureOption = None,
    drawing: DrawingOption = None,
    log: LogOption = False,
) -> Answer:
    """Compare translations after the right instruction, after none and after a wrong one, by model and partition.

    Quality with paired tests, the share of the translations in the target language, in the one that the instruction
    names and in the source, and how many nats per token of the reference the right instruction is worth, once
    `dragoman likelihood` has computed that. The spec asks with several instructions in `evaluation.prompts`; --prompt
    names any of those that differ in the instruction alone. Tables: quality, languages, likelihood, likelihood_pairs.

    Examples: dragoman instructions demo · dragoman instructions demo --metric chrf++ --model roles ·
    dragoman instructions demo --table likelihood_pairs --csv
    """
    store = until_printed(open_snapshot())
    question = ScoreQuestion(grid, chosen_metric(store, grid, metric), prompt=prompt, test_set=test_set)
    report = instructions_report(store, question, models=model or ())
    return reported(store, report, figure=figure, drawing=drawing, log=log)
