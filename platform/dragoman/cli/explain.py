"""`dragoman explain`: which facts about languages go with a model's quality on them."""

from pathlib import Path
from typing import Annotated

import typer

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.cli.arguments import (
    GridArgument,
    LinesOption,
    MetricOption,
    ModelsOption,
    PromptOption,
    SignatureOption,
    TestSetOption,
    open_snapshot,
)
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import Answer, printed, until_printed
from dragoman.cli.reports import DrawingOption, FigureOption, LogOption, reported
from dragoman.explanation.factors import FACTORS, FactOptions
from dragoman.explanation.quality import By
from dragoman.explanation.similarity import CLDR, MEASURES
from dragoman.metrics.resampling import SEED
from dragoman.reports.choices import chosen_metric
from dragoman.reports.explanation import explanation_report


def _factors(incomplete: str) -> list[str]:
    return [name for name in FACTORS if name.startswith(incomplete)]


def _measures(incomplete: str) -> list[str]:
    return [name for name in MEASURES if name.startswith(incomplete)]


@grouped(Group.ANALYSES)
@printed
def explain(
    grid: GridArgument,
    gain: Annotated[bool, typer.Option("--gain", help="Explain the gain over the base on each pair.")] = False,
    factor: Annotated[
        list[str] | None,
        typer.Option(
            "--factor",
            metavar="NAME",
            help=f"Only this factor, in the model of pairs too; may be repeated: {', '.join(FACTORS)}. By default all, "
            "and in the model of pairs pretraining and similarity.",
            autocompletion=_factors,
        ),
    ] = None,
    partition: Annotated[
        str | None,
        typer.Option(metavar="SCOPE", help="Only these pairs: a partition, unseen or all; by default all and each."),
    ] = None,
    by: Annotated[
        By,
        typer.Option(
            help="How the quality of a language is read: from the means of its pairs, or from effects of source and "
            "target, which compare like with like."
        ),
    ] = By.MEANS,
    similarity: Annotated[
        str,
        typer.Option(
            metavar="MEASURE",
            help=f"How similar languages are: {', '.join(MEASURES)}; those of URIEL+ need dragoman[languages].",
            autocompletion=_measures,
        ),
    ] = CLDR,
    to: Annotated[str, typer.Option(metavar="LANGUAGE", help="The language that others are similar to.")] = "en",
    pretraining: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="CSV file of the base's pretraining text: the columns language and tokens, and upsampled_share if "
            "known. Those of XGLM are known.",
        ),
    ] = None,
    tokenizer: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The base's tokenizer.json, or a folder with it; found by itself as a rule."),
    ] = None,
    model: ModelsOption = None,
    metric: MetricOption = None,
    prompt: PromptOption = None,
    test_set: TestSetOption = None,
    signature: SignatureOption = None,
    lines: LinesOption = None,
    permutations: Annotated[
        int | None,
        typer.Option(
            min=99, max=1_000_000, help="Permutations of each test; by default 10,000, of over 60 languages 1,000."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of permutations and resamples.")] = SEED,
    figure: FigureOption = None,
    drawing: DrawingOption = None,
    log: LogOption = False,
) -> Answer:
    """Explain a model's quality on each language, as source and as target, by facts about the languages.

    Factors: text in pretraining, similarity to English, tokens per word and per English token, pairs and examples of
    training. Spearman's correlations with p-values that permute languages, each factor with the others held, and a
    linear model of the scores of pairs, whose languages are permuted too: its effects, and what each factor adds on
    languages that were left out. Languages are few, and every figure says how many. Tables: correlations, partial,
    effects, shares, languages, partitions, residuals, qualities.

    Examples: dragoman explain demo · dragoman explain demo --gain --model roles ·
    dragoman explain demo --factor parity --factor similarity --partition unseen ·
    dragoman explain demo --pretraining tokens.csv --figure explain.svg --drawing effects ·
    dragoman explain demo --table partitions --csv
    """
    store = until_printed(open_snapshot())
    question = ScoreQuestion(
        grid, chosen_metric(store, grid, metric), signature=signature, prompt=prompt, test_set=test_set, lines=lines
    )
    options = FactOptions(similarity=similarity, to=to, pretraining=pretraining, tokenizer=tokenizer)
    report = explanation_report(
        store, question, options, models=model or (), gains=gain, factors=factor or (), scope=partition, by=by,
        permutations=permutations, seed=seed,
    )  # fmt: skip
    return reported(store, report, figure=figure, drawing=drawing, log=log)
