"""Likelihood of a grid's references after each instruction, computed on a cluster as far as the store lacks it.

Every result is stored as it comes, so that after any interruption the same again does only what is missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dragoman.analysis.test_sets import test_set_id
from dragoman.errors import ModelError, SpecError
from dragoman.instructions.variants import Family
from dragoman.pair import Pair
from dragoman.planning.few_shot import draw_for
from dragoman.settings import Settings
from dragoman.spec.prompt import Prompt
from dragoman.store.alignment_records import Likely
from dragoman.store.store import Store
from dragoman_jobs.alignment.measuring import Connect, prepared_model, workers_of
from dragoman_jobs.alignment.subjects import Subject
from dragoman_jobs.alignment.tasks import LikelihoodTask
from dragoman_jobs.cluster.base import Cluster
from dragoman_jobs.cluster.work_queue import WorkQueue
from dragoman_jobs.driver.progress import ProgressDisplay
from dragoman_jobs.driver.retry import with_retries
from dragoman_jobs.evaluation.worker import PreparedModel

_BAR = "likelihoods"


@dataclass
class Scored:
    """What was done."""

    scored: int = 0
    """Likelihoods that were computed: a model, pair and instruction each."""
    known: int = 0
    """Those that the store had."""
    without_wrong: int = 0
    """Pairs for which there is no third language that a wrong instruction could name."""
    failures: list[str] = field(default_factory=list)
    """Why some are still missing."""


class LikelihoodRun:
    """Computes what the store lacks."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        grid: str,
        family: Family,
        *,
        test_set: str | None,
        progress: ProgressDisplay,
    ) -> None:
        """Do nothing yet.

        Args:
            store: where it is kept.
            settings: what workers hold, and where models and caches lie.
            grid: name of the grid.
            family: the prompt with each instruction.
            test_set: name of the test set; the first by default.
            progress: what is shown meanwhile.

        Raises:
            StoreError: there is no such grid or test set.
        """
        self._store, self._settings, self._progress = store, settings, progress
        self._prompts: Mapping[str, Prompt] = {prompt.id: prompt for prompt in family.variants.values()}
        tested = test_set_id(store, grid, test_set)
        self._texts: dict[Pair, tuple[str, str]] = {
            cell.cell.pair: (cell.cell.content, cell.test)
            for cell in store.cells.of_grid(grid)
            if cell.cell.test_set == tested and cell.test is not None
        }
        self._done = Scored()

    def run(self, subjects: Sequence[Subject], connect: Connect) -> Scored:
        """Compute the likelihoods of some models, as far as the store lacks them; no cluster is started for nothing.

        Raises:
            ClusterError: Ray can't be used, or lacks what a worker is to hold.
            CorpusError: the corpus of a few-shot prompt's examples is not there.
            KeyboardInterrupt: this process was interrupted; what is done is kept.
        """
        asked = {(prompt, pair) for prompt in self._prompts for pair in self._texts}
        unnamed = {(prompt, pair) for prompt, pair in asked if not _can_be_asked(self._prompts[prompt], pair)}
        wanted = [
            Likely(model=subject.checkpoint.id, pair=pair, content=content, prompt=prompt)
            for subject in subjects
            for prompt in self._prompts
            for pair, (content, _) in sorted(self._texts.items())
            if (prompt, pair) not in unnamed
        ]
        missing = self._store.likelihood.missing(wanted)
        self._done = Scored(known=len(wanted) - len(missing), without_wrong=len(unnamed))
        if missing:
            with self._progress, connect() as cluster:
                self._score(cluster, {subject.checkpoint.id: subject for subject in subjects}, missing)
        return self._done

    def _score(self, cluster: Cluster, subjects: Mapping[str, Subject], missing: Sequence[Likely]) -> None:
        drawn, reasons = draw_for(self._prompts.values(), sorted({each.pair for each in missing}))
        for reason in dict.fromkeys(reasons.values()):
            self._fail(reason)
        prepared = self._prepare(cluster, {model: subjects[model] for model in {each.model for each in missing}})
        tasks = [
            LikelihoodTask(
                model=prepared[each.model],
                of=each,
                prompt=self._prompts[each.prompt],
                demonstrations=drawn.get((each.prompt, each.pair), ()),
                asked=subjects[each.model].checkpoint if self._prompts[each.prompt].chat else None,
                test=self._texts[each.pair][1],
            )
            for each in missing
            if each.model in prepared and (each.prompt, each.pair) not in reasons
        ]
        queue: WorkQueue[LikelihoodTask] = workers_of(cluster, self._settings)
        queue.add(tasks)
        self._progress.bar(_BAR, len(tasks))
        for done, (task, value, failure) in enumerate(queue, 1):
            if failure is not None:
                self._fail(f"{subjects[task.of.model].name}: {failure}")
            else:
                with_retries(lambda: self._store.likelihood.add([value]))  # noqa: B023 (done at once)
                self._done.scored += 1
            self._progress.update(_BAR, done)

    def _prepare(self, cluster: Cluster, subjects: Mapping[str, Subject]) -> dict[str, PreparedModel]:
        found = {}
        for model, subject in subjects.items():
            try:
                found[model] = prepared_model(cluster, self._settings, subject, self._progress)
            except ModelError as error:
                self._fail(f"{subject.name}: {error}")
        return found

    def _fail(self, reason: str) -> None:
        if reason not in self._done.failures:
            self._done.failures.append(reason)
            self._progress.failed(reason)


def _can_be_asked(prompt: Prompt, pair: Pair) -> bool:
    """Whether there is a language for the instruction to name."""
    try:
        prompt.named_target(pair)
    except SpecError:
        return False
    return True
