"""`dragoman suggest`: the training pairs that are expected to help unseen pairs the most."""

import sys
from pathlib import Path
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
from dragoman.errors import SpecError, first_line
from dragoman.reports.suggestion import BUDGET, next_spec, pairs_yaml, suggestion_of, suggestion_report
from dragoman.terminal import say


@grouped(Group.ANALYSES)
@printed
def suggest(
    campaign: CampaignArgument,
    budget: Annotated[int, typer.Option(min=1, help="How many directed pairs.")] = BUDGET,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="GRID/MODEL", help="Add to the pairs of this model; by default begin anew."),
    ] = None,
    of: Annotated[Value, typer.Option("--of", help="Learn from gains over the base, or from scores.")] = "gain",
    metric: MetricOption = None,
    prompt: PromptOption = None,
    test_set: TestSetOption = None,
    signature: SignatureOption = None,
    decoding: DecodingOption = None,
    lines: LinesOption = None,
    grid: GridsOption = None,
    model: TunedOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of random sets.")] = 1,
    as_pairs: Annotated[bool, typer.Option("--yaml", help="Print the pairs as YAML for a model of a spec.")] = False,
    spec: Annotated[
        Path | None, typer.Option("--spec", metavar="FILE", help="Write a spec with them, after the first grid's.")
    ] = None,
    figure: FigureOption = None,
    drawing: DrawingOption = None,
    log: LogOption = False,
) -> Answer:
    """Suggest training pairs: those with the largest expected gain on what is unseen, with the reasons.

    From the finished models of a campaign it is learnt how the score of a pair that was not trained depends on the
    training graph: pairs and examples from its source and into its target, languages to reach it by, its reverse. The
    pairs are chosen one after another. How far that is to be believed stands beside it: of any two finished models
    of one size the better one is foretold without having seen either, and held against choosing at random. Tables:
    suggested, foresight.

    Examples: dragoman suggest number-of-pairs --budget 6 · dragoman suggest number-of-pairs --yaml ·
    dragoman suggest number-of-pairs --from number-of-pairs-4-pairs-draw1/sampled --budget 4 ·
    dragoman suggest number-of-pairs --budget 12 --spec next.yaml
    """
    store = until_printed(open_snapshot())
    question = CampaignQuestion.of(
        store, campaign, metric, grids=grid or (), value=of, prompt=prompt, test_set=test_set, signature=signature,
        decoding=decoding, lines=lines, models=tuple(model or ()),
    )  # fmt: skip
    found = suggestion_of(store, question, budget=budget, start=start, seed=seed)
    if spec is not None:
        _write(spec, next_spec(store, found))
    if as_pairs:
        sys.stdout.write(pairs_yaml(found))
        say(found.verdict, err=True)
        raise typer.Exit
    answer = reported(store, suggestion_report(store, found, budget), figure=figure, drawing=drawing, log=log)
    if spec is None:
        return answer
    return answer._replace(sentence=" ".join(filter(None, [answer.sentence, f"The spec is in {spec}."])))


def _write(path: Path, content: str) -> None:
    """Write a new file.

    Raises:
        SpecError: it is there already, or can't be written.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(content)
    except FileExistsError as error:
        raise SpecError(f"{path} is there already: name another file, or remove it.") from error
    except OSError as error:
        raise SpecError(f"The spec can't be written to '{path}': {first_line(error)}.") from error
