"""`dragoman align`: how alike the models of a grid represent its languages, by layer."""

from typing import Annotated

import typer

from dragoman import interruption
from dragoman.alignment.named_measures import MEASURES
from dragoman.alignment.parallel_lines import parallel_lines
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.cli.arguments import (
    GridArgument,
    MetricOption,
    ModelsOption,
    PromptOption,
    TestSetOption,
    complete_languages,
    open_store,
)
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import Answer, printed
from dragoman.cli.reports import DrawingOption, FigureOption, LogOption, reported
from dragoman.errors import DragomanError, nearest
from dragoman.reports.alignment import PERMUTATIONS, AlignmentChoice, alignment_report
from dragoman.reports.choices import chosen_metric
from dragoman.store.alignment_records import Pooling
from dragoman_jobs.cli.embedded import embedded_ray, progress_console
from dragoman_jobs.cli.options import CpusOption, GpusOption, QuietOption, WorkersOption, asked_for

LayersOption = Annotated[
    str | None,
    typer.Option(
        "--layers",
        metavar="LAYERS",
        help="Layers, as in 0,4-6: 0 is what goes into the first, the last what comes out; all by default.",
    ),
]


@grouped(Group.ANALYSES)
@printed
def align(
    grid: GridArgument,
    model: ModelsOption = None,
    languages: Annotated[
        str | None,
        typer.Option(
            "--languages",
            metavar="TAGS",
            help="Only these, as in en,de,fr; all that have test lines by default.",
            autocompletion=complete_languages,
        ),
    ] = None,
    layers: LayersOption = None,
    pooling: Annotated[
        Pooling, typer.Option(help="How the states of a sentence's tokens, special ones left out, are made one vector.")
    ] = Pooling.MEAN,
    measure: Annotated[
        str,
        typer.Option(
            metavar="MEASURE",
            help=f"The measure of changes, scores and figures: {', '.join(MEASURES)}.",
            autocompletion=lambda: list(MEASURES),
        ),
    ] = next(iter(MEASURES)),
    metric: MetricOption = None,
    prompt: PromptOption = None,
    test_set: TestSetOption = None,
    permutations: Annotated[
        int, typer.Option(min=100, max=1_000_000, help="Permutations of the languages in each of Mantel's tests.")
    ] = PERMUTATIONS,
    workers: WorkersOption = None,
    cpus: CpusOption = None,
    gpus: GpusOption = None,
    quiet: QuietOption = False,
    figure: FigureOption = None,
    drawing: DrawingOption = None,
    log: LogOption = False,
) -> Answer:
    """Measure how alike the models of a grid represent the same sentences in its languages, by layer.

    Each model reads the multi-parallel test lines of each language once, on an embedded Ray; all pairs are measured
    from that: retrieval, xsim error, CKA and mutual nearest neighbours, as they are and after each language's mean is
    subtracted, with what chance gives beside them; before and after finetuning, and against the scores by partition.
    Measures are stored: the same again, here or in another grid of the same model and lines, only prints them.
    Tables: layers, changes, scores, scores_by_layer, pairs.

    Examples: dragoman align demo · dragoman align demo --model base --model roles --layers 2-4 ·
    dragoman align demo --measure cka --figure layers.svg · dragoman align demo --table pairs --csv
    """
    if measure not in MEASURES:
        raise DragomanError(f"There is no measure '{measure}' of alignment; {nearest(measure, MEASURES)}")
    chosen = asked_for(workers, cpus, gpus, None, None)
    store = open_store()
    tags = [tag.strip() for tag in (languages or "").split(",") if tag.strip()]
    lines = parallel_lines(store, grid, test_set=test_set, languages=tags)
    asked = None if layers is None else read_layers(layers)

    # brings transformers, which a wrong option need not wait for
    from dragoman_jobs.alignment.measuring import AlignmentRun, layers_of
    from dragoman_jobs.alignment.subjects import subjects
    from dragoman_jobs.driver.progress import ProgressDisplay
    from dragoman_jobs.driver.resume_plan import plan_from_store

    found = subjects(plan_from_store(store, grid), store, chosen, model or ())
    wanted = {subject: layers_of(subject, asked) for subject in found.chosen}
    run = AlignmentRun(store, chosen, lines, pooling=pooling, progress=ProgressDisplay(progress_console(quiet)))
    interruption.keeps(f"Alignments of {grid} that were measured are kept: the same command measures the rest.")
    work = run.run(wanted, lambda: embedded_ray(chosen))
    question = ScoreQuestion(grid, chosen_metric(store, grid, metric), prompt=prompt, test_set=test_set)
    with store.snapshot() as snapshot:
        report = alignment_report(
            snapshot,
            question,
            lines,
            AlignmentChoice(
                measure=measure,
                pooling=pooling,
                models=tuple(subject.name for subject in found.chosen),
                layers=None if asked is None else tuple(sorted(asked)),
                permutations=permutations,
            ),
        )
        answer = reported(snapshot, report, figure=figure, drawing=drawing, log=log)
    done = (
        f"{work.passes} passes of a model over a language's {lines.count} lines, {work.measured} alignments measured, "
        f"{work.known} known before."
    )
    said = [done, *found.passed_over, *work.failures, *([answer.sentence] if answer.sentence else [])]
    return answer._replace(sentence=" ".join(said), code=1 if work.failures else 0)


def read_layers(text: str) -> set[int]:
    """The layers of a list such as `0,4-6`.

    Raises:
        DragomanError: it is none.
    """
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdecimal() or (last and not last.isdecimal()) or len(part) > 20:
            raise DragomanError(f"'{text}' is no list of layers: write numbers and ranges, as in 0,4-6.")
        bounds = int(first), int(last or first)
        if bounds[0] > bounds[1] or bounds[1] > 10_000:
            raise DragomanError(f"'{part.strip()}' is no range of layers: the first comes first, as in 4-6.")
        found.update(range(bounds[0], bounds[1] + 1))
    return found
