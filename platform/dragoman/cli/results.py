"""`dragoman results`: the scores of each model of a grid by partition."""

from collections.abc import Sequence
from typing import Annotated

import typer

from dragoman.analysis.campaigns import grids_of
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.cli.arguments import (
    LatestGridArgument,
    LinesOption,
    MetricOption,
    MicroOption,
    ModelsOption,
    OtherLanguagesOption,
    PromptOption,
    SignatureOption,
    TestSetOption,
    WithQuotedOption,
    chosen_latest,
    open_snapshot,
)
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import printed, until_printed
from dragoman.reports.campaign import across
from dragoman.reports.choices import chosen_metric, chosen_models
from dragoman.reports.results import notes_on_pairs
from dragoman.reports.results_by_test_set import answers_by_test_set
from dragoman.tables.table import Table

LabelOption = Annotated[
    str | None,
    typer.Option("--by", metavar="LABEL", help="A row for each value of this label of the test lines, as in domain."),
]


@grouped(Group.RESULTS)
@printed
def results(
    grid: LatestGridArgument = None,
    model: ModelsOption = None,
    metric: MetricOption = None,
    prompt: PromptOption = None,
    test_set: TestSetOption = None,
    signature: SignatureOption = None,
    lines: LinesOption = None,
    by: LabelOption = None,
    micro: MicroOption = False,
    other_languages: OtherLanguagesOption = False,
    with_quoted: WithQuotedOption = False,
) -> Sequence[Table]:
    """Show each model's scores by partition, seen minus recombined, and the matrix of pairs; of a grid or a campaign.

    Without a name it is about the grid that was run last.

    Every mean says over how many of the planned pairs it is taken; what failed or is missing is in none. Gains over the
    base are taken on the pairs both have, asked with the same prompt; a model that is asked with several prompts has
    rows of its own for each, and a grid of several test sets likewise: no mean is over two. --lines asks of a slice of
    the test set alone, as though only its lines had been scored; --by of every slice that a label makes. Scores that
    are quoted have a mark, and no gains; with --with-quoted a table sets them beside the others. Tables: partitions,
    gap, seeds, matrix, reasons, pairs, quoted; with --by: slices.

    Examples: dragoman results · dragoman results demo · dragoman results demo --model roles --metric chrf++ ·
    dragoman results demo --table partitions --latex · dragoman results demo --test-set ntrex ·
    dragoman results demo --lines domain=dates · dragoman results demo --by domain ·
    dragoman results demo --other-languages · dragoman results demo --table pairs --csv
    """
    store = until_printed(open_snapshot())
    if grid is None:
        grid = chosen_latest(store)
    names = grids_of(store, grid)
    questions = {}
    for name in names:
        question = ScoreQuestion(
            name,
            chosen_metric(store, name, metric),
            signature=signature,
            prompt=prompt,
            test_set=test_set,
            lines=lines,
            micro=micro,
        )
        questions[question] = chosen_models(store, name, model)
    tables = {
        question.grid: answers_by_test_set(
            store, question, models=models, other_languages=other_languages, with_quoted=with_quoted, by=by
        )
        for question, models in questions.items()
    }
    return tables[grid] if names == [grid] else across(grid, tables, {} if by else notes_on_pairs(store, questions))
