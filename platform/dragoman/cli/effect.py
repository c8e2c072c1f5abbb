"""`dragoman effect`: what training did over the models of a campaign, with the pair held fixed."""

from typing import Annotated

import typer

from dragoman.cli.arguments import (
    LinesOption,
    MetricOption,
    PromptOption,
    SignatureOption,
    TestSetOption,
    open_snapshot,
)
from dragoman.cli.campaign_arguments import CampaignArgument, DecodingOption, GridsOption, TunedOption
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import Answer, printed, until_printed
from dragoman.cli.reports import DrawingOption, FigureOption, LogOption, reported
from dragoman.effects.campaign_scores import CampaignQuestion, Value
from dragoman.reports.effect import effect_report

ValueOption = Annotated[Value, typer.Option("--of", help="Explain scores, or gains over the base on the same pair.")]


@grouped(Group.ANALYSES)
@printed
def effect(
    campaign: CampaignArgument,
    of: ValueOption = "score",
    metric: MetricOption = None,
    prompt: PromptOption = None,
    test_set: TestSetOption = None,
    signature: SignatureOption = None,
    decoding: DecodingOption = None,
    lines: LinesOption = None,
    grid: GridsOption = None,
    model: TunedOption = None,
    figure: FigureOption = None,
    drawing: DrawingOption = None,
    log: LogOption = False,
) -> Answer:
    """Say what training did to pairs over the models of a campaign: is a pair hard, or is it unseen?

    Scores are explained by pair, model and partition, so that seen and unseen are compared on the same pairs: the
    effect of being seen against each unseen partition, with intervals from draws of training pairs. Beside it: the
    share of the gain on seen pairs that there is on unseen ones, differences of models that differ in one pair alone,
    and the curve over the number of training pairs. It takes several models trained on other pairs: a sweep over
    them, or a grid with several. Tables: effects, transfer, direct, curve, curve-fits, models. Figures: seen-effects,
    pair-curve.

    Examples: dragoman effect number-of-pairs · dragoman effect number-of-pairs --metric chrf++ --of gain ·
    dragoman effect demo --table effects --latex · dragoman effect number-of-pairs --lines domain=dates ·
    dragoman effect number-of-pairs --figure curve.svg --drawing pair-curve
    """
    store = until_printed(open_snapshot())
    question = CampaignQuestion.of(
        store, campaign, metric, grids=grid or (), value=of, prompt=prompt, test_set=test_set, signature=signature,
        decoding=decoding, lines=lines, models=tuple(model or ()),
    )  # fmt: skip
    return reported(store, effect_report(store, question), figure=figure, drawing=drawing, log=log)
