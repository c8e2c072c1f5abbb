"""`dragoman likelihood`: how likely models find references after the right instruction, none and a wrong one."""

from dragoman import interruption
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.cli.arguments import (
    GridArgument,
    MetricOption,
    ModelsOption,
    PromptOption,
    TestSetOption,
    open_store,
)
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import Answer, printed
from dragoman.cli.reports import DrawingOption, FigureOption, LogOption, reported
from dragoman.instructions.variants import family_of
from dragoman.reports.choices import chosen_metric
from dragoman.reports.instructions import instructions_report
from dragoman_jobs.cli.embedded import embedded_ray, progress_console
from dragoman_jobs.cli.options import CpusOption, GpusOption, QuietOption, WorkersOption, asked_for


@grouped(Group.ANALYSES)
@printed
def likelihood(
    grid: GridArgument,
    model: ModelsOption = None,
    metric: MetricOption = None,
    prompt: PromptOption = None,
    test_set: TestSetOption = None,
    workers: WorkersOption = None,
    cpus: CpusOption = None,
    gpus: GpusOption = None,
    quiet: QuietOption = False,
    figure: FigureOption = None,
    drawing: DrawingOption = None,
    log: LogOption = False,
) -> Answer:
    """Compute how many nats per token of the reference the right instruction is worth over none and a wrong one.

    Each model reads every reference after the prompt with each instruction, on an embedded Ray; nothing is
    translated, so the grid need not have been asked with them. What is computed is stored: the same again, here or in
    another grid of the same model, prompt and lines, only prints it. Tables: likelihood, likelihood_pairs.

    Examples: dragoman likelihood demo · dragoman likelihood demo --model roles --workers 2 ·
    dragoman likelihood demo --table likelihood_pairs --csv
    """
    chosen = asked_for(workers, cpus, gpus, None, None)
    store = open_store()
    family = family_of(store, grid, prompt)

    # brings Ray and the engines, which a wrong option need not wait for
    from dragoman_jobs.alignment.reference_scoring import LikelihoodRun
    from dragoman_jobs.alignment.subjects import subjects
    from dragoman_jobs.driver.progress import ProgressDisplay
    from dragoman_jobs.driver.resume_plan import plan_from_store

    found = subjects(plan_from_store(store, grid), store, chosen, model or ())
    run = LikelihoodRun(
        store, chosen, grid, family, test_set=test_set, progress=ProgressDisplay(progress_console(quiet))
    )
    interruption.keeps(f"Likelihoods of {grid} that were computed are kept: the same command computes the rest.")
    work = run.run(found.chosen, lambda: embedded_ray(chosen))
    question = ScoreQuestion(grid, chosen_metric(store, grid, metric), prompt=prompt, test_set=test_set)
    with store.snapshot() as snapshot:
        names = [subject.name for subject in found.chosen]
        report = instructions_report(snapshot, question, models=names, likelihood_alone=True)
        answer = reported(snapshot, report, figure=figure, drawing=drawing, log=log)
    done = f"{work.scored} likelihoods computed, {work.known} known before."
    if work.without_wrong:
        done += f" {work.without_wrong} pairs have no wrong instruction: there is no third language for it to name."
    said = [done, *found.passed_over, *work.failures, *([answer.sentence] if answer.sentence else [])]
    return answer._replace(sentence=" ".join(said), code=1 if work.failures else 0)
