"""`dragoman errors` and `dragoman detectors`: what goes wrong in hypotheses, and how far detectors can tell."""

from collections.abc import Sequence
from typing import Annotated

import typer

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.cli.arguments import (
    GridArgument,
    LinesOption,
    MicroOption,
    ModelsOption,
    PromptOption,
    TestSetOption,
    complete_models,
    open_snapshot,
)
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import Answer, printed, until_printed
from dragoman.cli.reports import DrawingOption, FigureOption, LogOption, reported
from dragoman.metrics.errors.label import Label
from dragoman.reports.choices import chosen_models
from dragoman.reports.detectors import detector_report
from dragoman.reports.errors import ALL, error_report


def complete_detectors(incomplete: str) -> list[str]:
    """Names of language identifiers for the shell."""
    from dragoman.plugins import available

    return sorted(name for name in available("detectors") if name.startswith(incomplete))


@grouped(Group.ANALYSES)
@printed
def errors(
    grid: GridArgument,
    model: ModelsOption = None,
    prompt: PromptOption = None,
    test_set: TestSetOption = None,
    lines: LinesOption = None,
    scope: Annotated[
        str, typer.Option(metavar="SCOPE", help="Pairs of the table of labels: all, unseen, seen or another partition.")
    ] = ALL,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="SYSTEM",
            help="Test every other system's rates against those of this one (MODEL, MODEL:PROMPT, GRID/MODEL).",
            autocompletion=complete_models,
        ),
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Language identifier of wrong languages, as in `dragoman score GRID --metric error_language:NAME`.",
            autocompletion=complete_detectors,
        ),
    ] = None,
    micro: MicroOption = False,
    figure: FigureOption = None,
    drawing: DrawingOption = None,
    log: LogOption = False,
) -> Answer:
    """Show what goes wrong in a grid's hypotheses: error labels by model, prompt and partition, and wrong languages.

    Labels are metrics (error_oscillation, error_language ...): `dragoman score GRID --metric errors` adds all of them
    to stored translations. Each rate has a bootstrap interval, and beside it the same label's rate on the references.
    On the embedded corpus, entities are decided too: numbers, dates, units, currencies, names. Tables: errors,
    partitions, languages, flows, tests (with --against), entities, rates.

    Examples: dragoman errors demo · dragoman errors demo --scope unseen --against base ·
    dragoman errors demo --table flows --csv · dragoman errors demo --figure errors.pdf
    """
    store = until_printed(open_snapshot())
    question = ScoreQuestion(grid, Label.LANGUAGE.metric, prompt=prompt, test_set=test_set, lines=lines, micro=micro)
    models = chosen_models(store, grid, model)
    report = error_report(store, question, models=models, scope=scope, against=against, detector=detector)
    return reported(store, report, figure=figure, drawing=drawing, log=log)


@grouped(Group.ANALYSES)
@printed
def detectors(
    grid: GridArgument,
    detector: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A language identifier; may be repeated. By default all that have what they need here.",
            autocompletion=complete_detectors,
        ),
    ] = None,
    test_set: TestSetOption = None,
    figure: FigureOption = None,
    drawing: DrawingOption = None,
    log: LogOption = False,
) -> Answer:
    """Hold language detectors to a grid's references: how many each judges wrongly, and what it takes them for.

    Tables: detectors, confusion, signatures.

    Examples: dragoman detectors demo · dragoman detectors demo --detector fasttext ·
    dragoman detectors demo --table confusion --csv
    """
    store = until_printed(open_snapshot())
    names: Sequence[str] = list(dict.fromkeys(detector or ()))
    report = detector_report(store, ScoreQuestion(grid, "off_target", test_set=test_set), names)
    return reported(store, report, figure=figure, drawing=drawing, log=log)
