"""Models being prepared for decoding on the cluster: each by an engine, in a task of its own."""

from collections.abc import Collection, Iterable, Sequence

from dragoman.disk import DiskError
from dragoman.errors import DragomanError
from dragoman.metrics.scoring import text_metrics
from dragoman.model import ModelIdentity
from dragoman.pair import Pair
from dragoman.planning.few_shot import Drawn
from dragoman.planning.plan import Plan
from dragoman.settings import Settings
from dragoman_jobs.cluster.attempts import Attempts
from dragoman_jobs.cluster.base import Cluster, Ref, WorkerDiedError
from dragoman_jobs.driver.backlog import Backlog, PendingCell
from dragoman_jobs.driver.plan_checkpoints import checkpoint_of, engine_of
from dragoman_jobs.engines.selection import PreparedCheckpoint, prepare_model
from dragoman_jobs.evaluation.worker import CellTask, PreparedModel

_FIELDS = set(CellTask.model_fields)
"""The fields of a task, which all tasks share: a set of each one's own is most of its memory."""


class Preparations:
    """The models that are being prepared, and the tasks of those that are ready."""

    def __init__(self, plan: Plan, settings: Settings, drawn: Drawn, gpus: float) -> None:
        """Begin with none.

        Args:
            plan: the grid.
            settings: where models and what engines make of them are kept.
            drawn: what few-shot prompts show, by prompt and pair.
            gpus: those that each worker holds.
        """
        self._plan, self._settings, self.drawn, self._gpus = plan, settings, drawn, gpus
        self._prompts = {prompt.id: prompt for prompt in plan.prompts}
        self._running: dict[Ref, tuple[ModelIdentity, Sequence[Pair]]] = {}
        self._attempts = Attempts()

    def __len__(self) -> int:
        return len(self._running)

    @property
    def refs(self) -> Collection[Ref]:
        """The futures of those being prepared."""
        return self._running.keys()

    @property
    def models(self) -> Collection[ModelIdentity]:
        """Those being prepared."""
        return [model for model, _ in self._running.values()]

    def begin(self, cluster: Cluster, model: ModelIdentity, pairs: Sequence[Pair] | None = None) -> None:
        """Start preparing a model.

        Args:
            cluster: where.
            model: the model.
            pairs: those that it will translate; the plan's by default.
        """
        plan, settings = self._plan, self._settings
        checkpoint = checkpoint_of(plan, model, settings.models_dir)
        pairs = plan.pairs if pairs is None else pairs
        ref = cluster.task(
            prepare_model,
            engine_of(plan, model),
            checkpoint,
            plan.decoding_of(model.id),
            settings.cache_dir,
            self._gpus,
            pairs,
        )
        self._running[ref] = model, pairs

    def follow(self, cluster: Cluster, ref: Ref) -> tuple[ModelIdentity, PreparedCheckpoint | DragomanError] | None:
        """What became of a preparation that is over; None where its process died, and another does it again.

        Raises:
            DiskError: a disk is full.
        """
        model, pairs = self._running.pop(ref)
        try:
            return model, cluster.result(ref)
        except DiskError:
            raise
        except DragomanError as error:
            if isinstance(error, WorkerDiedError) and self._attempts.again(model.id, error):
                self.begin(cluster, model, pairs)
                return None
            return model, error

    def tasks(
        self, model: ModelIdentity, ready: PreparedCheckpoint, cells: Iterable[PendingCell], backlog: Backlog
    ) -> list[CellTask]:
        """What workers need to know of the cells of a model that is prepared."""
        plan = self._plan
        prepared = PreparedModel(
            model=model.id,
            engine=ready.engine,
            path=ready.path,
            batch_invariant=ready.batch_invariant,
            keeps_prefixes=ready.keeps_prefixes,
        )
        checkpoint = checkpoint_of(plan, model, self._settings.models_dir)
        by_default = plan.decoding_of(model.id)
        decodings = {test_set.id: plan.decoding_of(model.id, test_set) for test_set in plan.test_sets}
        metrics = tuple(text_metrics(plan.spec.evaluation.metric_names))
        return [
            CellTask.model_construct(  # to validate them would copy the languages for each: a hundred bytes a language
                _fields_set=_FIELDS,
                cell=cell.id,
                pair=cell.pair,
                model=prepared,
                decoding=decodings.get(cell.test_set, by_default),  # dev cells are of another
                prompt=self._prompts[cell.prompt],
                test=cell.test,
                languages=plan.spec.languages,
                metrics=metrics,
                demonstrations=self.drawn.get((cell.prompt, cell.pair), ()),
                asked=checkpoint if self._prompts[cell.prompt].chat else None,
                size=backlog.size(cell),
            )
            for cell in cells
        ]
