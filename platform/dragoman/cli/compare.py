"""`dragoman compare`: one model of a grid against another, on the pairs both have."""

from collections.abc import Sequence
from typing import Annotated

import typer

from dragoman.analysis.citations import citations
from dragoman.analysis.comparison import compare as compare_models
from dragoman.analysis.quoted_comparison import compare_quoted
from dragoman.analysis.recipe_comparison import asked_recipes
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.significance_plan import ALPHA, FEWEST_ASKED, MOST_ASKED, Plan
from dragoman.analysis.units import Unit
from dragoman.cli.arguments import (
    GridArgument,
    LinesOption,
    MetricOption,
    MicroOption,
    OtherLanguagesOption,
    PromptOption,
    SignatureOption,
    TestSetOption,
    WithQuotedOption,
    complete_models,
    open_snapshot,
)
from dragoman.cli.citing import CiteOption
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import Answer, printed, until_printed
from dragoman.metrics.resampling import SEED
from dragoman.metrics.significance import Correction, Test
from dragoman.reports.choices import chosen_metric
from dragoman.reports.comparison import SHOWN, recipe_tables, recipes, tables
from dragoman.tables.table import Table


@grouped(Group.RESULTS)
@printed
def compare(
    grid: GridArgument,
    a: Annotated[str, typer.Argument(metavar="A", help="The baseline.", autocompletion=complete_models)],
    b: Annotated[str, typer.Argument(metavar="B", help="The model to compare.", autocompletion=complete_models)],
    metric: MetricOption = None,
    prompt: PromptOption = None,
    test_set: TestSetOption = None,
    signature: SignatureOption = None,
    lines: LinesOption = None,
    test: Annotated[
        Test,
        typer.Option(
            help="The test of each pair; sacrebleu-bs: the one-sided p-value of sacreBLEU's bootstrap, for parity; "
            "intervals: of the two scores alone, not of their segments."
        ),
    ] = Test.RANDOMIZATION,
    correction: Annotated[
        Correction, typer.Option(help="How p-values are adjusted for the number of pairs; bh: Benjamini-Hochberg.")
    ] = Correction.HOLM,
    alpha: Annotated[float, typer.Option(help="Adjusted p-values up to this are significant.")] = ALPHA,
    samples: Annotated[
        int | None,
        typer.Option(
            min=FEWEST_ASKED,
            max=MOST_ASKED,
            help="Trials, or resamples, of each test; by default enough for the number of pairs.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the deals, or draws; sacreBLEU's by default.")] = SEED,
    unit: Annotated[
        Unit, typer.Option(help="What is dealt, or drawn; document: all sentences of one together, where it is known.")
    ] = Unit.SENTENCE,
    micro: MicroOption = False,
    other_languages: OtherLanguagesOption = False,
    with_quoted: WithQuotedOption = False,
    cite: CiteOption = False,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, help="Pairs shown among the largest losses and gains.")
    ] = SHOWN,
    top: Annotated[int | None, typer.Option(min=1, hidden=True)] = None,
) -> Sequence[Table] | Answer:
    """Compare model B with model A on the pairs both have a score for: B minus A.

    Both are asked with the grid's first prompt, or with the one named; MODEL:PROMPT is a model asked with another, and
    a baseline's name stands for what the spec says of it; GRID/MODEL is a model of another grid, compared on the pairs
    that both grids have. Of several test sets it is the grid's first, or the one named. Each pair is tested with a
    paired test from the stored statistics (by default approximate randomization), or, where there are none and where
    pairs are too many, by the two scores' intervals; p-values are adjusted for the number of pairs. Scopes are B's
    partitions; the same test is made of their means, in which a sentence is dealt or drawn in all pairs at once. Where
    one of the two was trained with several seeds, a table more compares the recipes, over all their seeds; a recipe's
    name, which is its models' without the seed, compares recipes alone. Scores that are quoted can't be tested: with
    --with-quoted the differences alone are shown. Tables: scopes, losses, gains, pairs, recipes.

    Examples: dragoman compare demo base roles · dragoman compare demo five-shot roles ·
    dragoman compare demo english-centric roles --metric chrf++ --correction bh ·
    dragoman compare demo base roles --test bootstrap --samples 20000 --seed 1 --unit document ·
    dragoman compare sweep-1 roles sweep-2/roles · dragoman compare seeds english-centric roles ·
    dragoman compare demo base roles --test-set ntrex · dragoman compare demo base roles --lines domain=dates ·
    dragoman compare demo base roles --table pairs --csv · dragoman compare demo base roles --cite
    """
    store = until_printed(open_snapshot())
    metric = chosen_metric(store, grid, metric)
    question = ScoreQuestion(
        grid, metric, signature=signature, prompt=prompt, test_set=test_set, lines=lines, micro=micro
    )
    if with_quoted and (side_by_side := compare_quoted(store, question, a=a, b=b)):
        return tables(grid, side_by_side, top or limit)
    asked = asked_recipes(store, question, a=a, b=b, correction=correction)
    if asked.by_name:
        return recipe_tables(grid, asked.required)
    over_seeds = asked.comparison
    how = Plan(test, correction, alpha, samples, seed, unit)
    found = compare_models(store, question, a=a, b=b, **how._asdict())
    if cite:
        captions = [caption for caption in (found.caption_a, found.caption_b) if caption is not None]
        return Answer([], text=lambda _: citations(captions, tested=True))
    return [
        *tables(grid, found, top or limit, other_languages=other_languages),
        *([recipes(grid, over_seeds)] if over_seeds else []),
    ]
