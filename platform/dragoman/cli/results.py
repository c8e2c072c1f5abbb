"""`dragoman results`: the scores of each model of a grid by partition."""

from collections.abc import Sequence

from dragoman.analysis.campaigns import grids_of
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.cli.arguments import (
    MetricOption,
    MicroOption,
    ModelsOption,
    OptionalGridArgument,
    OtherLanguagesOption,
    PromptOption,
    SignatureOption,
    open_snapshot,
)
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import printed, until_printed
from dragoman.reports import jobs
from dragoman.reports.campaign import across
from dragoman.reports.choices import chosen_metric, chosen_models
from dragoman.reports.results import answers
from dragoman.tables.table import Table


@grouped(Group.RESULTS)
@printed
def results(
    grid: OptionalGridArgument = None,
    model: ModelsOption = None,
    metric: MetricOption = None,
    prompt: PromptOption = None,
    signature: SignatureOption = None,
    micro: MicroOption = False,
    other_languages: OtherLanguagesOption = False,
) -> Sequence[Table]:
    """Show each model's scores by partition, seen minus recombined, and the matrix of pairs; of a grid or a campaign.

    Without a name it lists the grids there are.

    Every mean says over how many of the planned pairs it is taken; what failed or is missing is in none.
    Gains over the base are taken on the pairs both have, asked with the same prompt; a model that is asked with
    several prompts has rows of its own for each. Tables: partitions, gap, seeds, matrix, reasons, pairs.

    Examples: dragoman results demo · dragoman results demo --model roles --metric chrf++ ·
    dragoman results demo --table partitions --latex ·
    dragoman results demo --other-languages · dragoman results demo --table pairs --csv
    """
    store = until_printed(open_snapshot())
    if grid is None:
        return [jobs.grids(store, {name: store.jobs.of_grid(name) for name in store.grids.names()})]
    names = grids_of(store, grid)
    tables = {}
    for name in names:
        models, of_grid = chosen_models(store, name, model), chosen_metric(store, name, metric)
        question = ScoreQuestion(name, of_grid, signature=signature, prompt=prompt, micro=micro)
        tables[name] = answers(store, question, models=models, other_languages=other_languages)
    return tables[grid] if names == [grid] else across(grid, tables)
