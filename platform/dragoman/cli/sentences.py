"""`dragoman sentences`: the sentences of a grid with every system's translation."""

from pathlib import Path
from typing import Annotated

import typer

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.cli.arguments import (
    GridArgument,
    LinesOption,
    MetricOption,
    PromptOption,
    SignatureOption,
    TestSetOption,
    complete_models,
    open_snapshot,
)
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import Answer, printed, until_printed
from dragoman.metrics.errors.label import Label
from dragoman.reports.sentences import sentence_table
from dragoman.sentences.query import Choice, default_metric, label_named
from dragoman.sentences.query import sentences as find
from dragoman.sentences.text_files import write_text_files


def complete_labels(incomplete: str) -> list[str]:
    """Error labels for the shell."""
    return [label.value for label in Label if label.value.startswith(incomplete)]


@grouped(Group.RESULTS)
@printed
def sentences(
    grid: GridArgument,
    pair: Annotated[
        list[str] | None,
        typer.Option("--pair", metavar="PAIR", help="Only this pair, as en-de; may be repeated. All by default."),
    ] = None,
    system: Annotated[
        list[str] | None,
        typer.Option(
            "--system",
            metavar="SYSTEM",
            help="Only this system, MODEL or MODEL:PROMPT; may be repeated. All by default.",
            autocompletion=complete_models,
        ),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(
            "--label",
            metavar="LABEL",
            help="Only sentences of which a translation has this error label, as copy or numbers; may be repeated.",
            autocompletion=complete_labels,
        ),
    ] = None,
    worst: Annotated[
        int | None,
        typer.Option("--worst", metavar="N", min=1, help="Only the N with the lowest score of any system, that first."),
    ] = None,
    flipped: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--flipped",
            metavar="A B",
            help="Only sentences on which A has the better score, the largest difference first; with --label, those "
            "of which B's translation has the label and A's has not.",
        ),
    ] = None,
    metric: MetricOption = None,
    signature: SignatureOption = None,
    prompt: PromptOption = None,
    test_set: TestSetOption = None,
    lines: LinesOption = None,
    files: Annotated[
        Path | None,
        typer.Option(
            "--files",
            metavar="FOLDER",
            help="Write plain text for other scorers into a new folder, in place of a table: source.txt, reference.txt "
            "and SYSTEM.txt for each pair, line n of each of the same sentence.",
        ),
    ] = None,
) -> Answer:
    """Show sentences of a grid: source, reference, and each system's translation with its score and error labels.

    Scores are of single sentences, from the stored statistics, by the grid's first metric that judges them, or by that
    of --metric. Error labels are found by rules, as on the page of a pair; that of a wrong language needs scores of
    error_language or off_target. Tables: sentences.

    Examples: dragoman sentences demo --pair en-de · dragoman sentences demo --pair en-de --worst 10 --metric chrf++ ·
    dragoman sentences demo --pair en-de --pair de-en --label copy --system roles ·
    dragoman sentences demo --flipped roles english-centric --worst 20 --csv ·
    dragoman sentences demo --pair en-de --files en-de-texts
    """
    store = until_printed(open_snapshot())
    question = ScoreQuestion(
        grid,
        default_metric(store, grid, metric),
        signature=signature,
        prompt=prompt,
        test_set=test_set,
        lines=lines,
    )
    choice = Choice(tuple(map(label_named, label or ())), flipped, worst)
    found = find(store, question, pairs=pair or (), systems=system or (), choice=choice)
    if files is None:
        return Answer([sentence_table(found)])
    written = write_text_files(found, files)
    return Answer(
        [sentence_table(found)],
        sentence=f"{found.how} They are in {len(written)} files in {files}.",
        is_sentence_enough=True,
    )
