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
from dragoman.cli.citing import CiteOption, MethodsOption, about_numbers
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import Answer, printed, until_printed
from dragoman.cli.reports import DrawingOption, FigureOption, with_figure
from dragoman.reports.analysis_report import AnalysisReport
from dragoman.reports.campaign import across
from dragoman.reports.choices import chosen_metric, chosen_models
from dragoman.reports.grid_overview import overview_report
from dragoman.reports.overview import Layout
from dragoman.reports.results import notes_on_pairs
from dragoman.reports.results_by_test_set import answers_by_test_set
from dragoman.reports.sweep_results import sweep_report
from dragoman.tables.table import Table

ColumnsOption = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="NAMES",
        help="Columns of the overview, with commas between: partitions (seen, unseen, all, ...), and the numbers in "
        "them (score, interval, gain, gain_interval, off_target, pairs).",
    ),
]
SortOption = Annotated[
    str | None,
    typer.Option(
        "--sort",
        metavar="NAME",
        help="Order of the overview: grid, model, or a partition, as in unseen or unseen.gain.",
    ),
]
OverOption = Annotated[
    str | None,
    typer.Option(
        "--x",
        metavar="KEY",
        help="Of a campaign: what its lines are over, a swept key or a value of the recipes (training_pairs, "
        "training_examples, target_tokens, parameters, trained_parameters, training_seconds); the first swept number "
        "by default.",
    ),
]
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
    columns: ColumnsOption = None,
    sort: SortOption = None,
    x: OverOption = None,
    cite: CiteOption = False,
    methods: MethodsOption = False,
    figure: FigureOption = None,
    drawing: DrawingOption = None,
) -> Sequence[Table] | Answer:
    """Show each model's scores by partition, seen minus recombined, and the matrix of pairs; of a grid or a campaign.

    Without a name it is about the grid that was run last. The results of a grid open with the overview: a row for each
    system, a column for each partition, the best in bold, and a star for what an alias of the model registry points to.
    Those of a campaign open with its finetuned models by what was swept, and with the means over seeds.

    Every mean says over how many of the planned pairs it is taken; what failed or is missing is in none. Gains over the
    base are taken on the pairs both have, asked with the same prompt; a model that is asked with several prompts has
    rows of its own for each, and a grid of several test sets likewise: no mean is over two. --lines asks of a slice of
    the test set alone, as though only its lines had been scored; --by of every slice that a label makes. Scores that
    are quoted have a mark, and no gains; with --with-quoted a table sets them beside the others. Tables: overview,
    partitions, gap, seeds, matrix, reasons, pairs, quoted; of a campaign: campaign, lines; with --by: slices. Figures:
    means, seen-unseen, heat-maps; of a campaign: lines.

    Examples: dragoman results · dragoman results demo · dragoman results demo --model roles --metric chrf++ ·
    dragoman results demo --table partitions --latex · dragoman results demo --test-set ntrex ·
    dragoman results demo --lines domain=dates · dragoman results demo --by domain ·
    dragoman results demo --other-languages · dragoman results demo --table pairs --csv ·
    dragoman results demo --table overview --sort unseen --columns seen,unseen,score,gain ·
    dragoman results demo --table overview --latex · dragoman results demo --cite ·
    dragoman results demo --methods --latex · dragoman results demo --figure overview.pdf --drawing means ·
    dragoman results number-of-pairs --table campaign · dragoman results number-of-pairs --x steps --figure lines.svg
    """
    layout = Layout.parse(columns, sort)
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
    if cite or methods:
        return Answer([], text=about_numbers(store, questions, is_paragraph=methods))
    tables = {
        question.grid: answers_by_test_set(
            store,
            question,
            models=models,
            other_languages=other_languages,
            with_quoted=with_quoted,
            by=by,
            layout=layout,
        )
        for question, models in questions.items()
    }
    if names != [grid]:
        notes = {} if by else notes_on_pairs(store, questions)
        apart = {name: [table for table in of_grid if not table.is_summary] for name, of_grid in tables.items()}
        swept = sweep_report(store, grid, questions, x=x, layout=layout)
        said = with_figure(lambda: swept, figure=figure, drawing=drawing)
        return Answer([*([] if by else swept.captioned), *across(grid, apart, notes)], sentence=said)
    ((question, models),) = questions.items()

    def report() -> AnalysisReport:
        return overview_report(store, question, models, layout=layout)

    return Answer(tables[grid], sentence=with_figure(report, figure=figure, drawing=drawing))
