"""The pivot systems of a run: each waits for the cells of its model, has its pivots chosen, and is then prepared."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from dragoman.cell import Cell
from dragoman.errors import DragomanError
from dragoman.model import ModelIdentity
from dragoman.pair import Pair
from dragoman.planning.few_shot import Drawn
from dragoman.planning.pivot_systems import legs
from dragoman.planning.plan import Plan
from dragoman.settings import Settings
from dragoman.spec.pivot_translation import BEST
from dragoman.store.store import Store
from dragoman_jobs.cluster.attempts import Attempts
from dragoman_jobs.cluster.base import Cluster, Ref, Share, WorkerDiedError
from dragoman_jobs.driver.backlog import PendingCell
from dragoman_jobs.driver.plan_checkpoints import checkpoint_of, engine_of
from dragoman_jobs.driver.retry import with_retries
from dragoman_jobs.evaluation.pivot_choice import Choice, ChoiceTask, choose_pivots
from dragoman_jobs.evaluation.pivot_translation import SecondLeg
from dragoman_jobs.evaluation.worker import CellTask

NO_PIVOT = "the model can translate it through none of the languages"
"""Why a pair without a pivot is missing."""


class PivotSystems:
    """The pivot systems that still have cells to do.

    The pivots that are chosen on dev are kept in the store as the system's training report: they are what it learnt,
    and are chosen once.
    """

    def __init__(self, plan: Plan, store: Store, settings: Settings, share: Share) -> None:
        """Begin with none.

        Args:
            plan: the grid.
            store: where it is kept.
            settings: where models and what engines make of them are kept.
            share: what a process that decodes holds.
        """
        self._plan, self._store, self._settings, self._share = plan, store, settings, share
        self._waiting: list[ModelIdentity] = []
        self._choosing: dict[Ref, ModelIdentity] = {}
        self._found: dict[str, list[Choice]] = {}
        self._attempts = Attempts()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._choosing)

    @property
    def refs(self) -> Collection[Ref]:
        """The futures of the choices under way."""
        return self._choosing.keys()

    @property
    def held(self) -> list[Share]:
        """What these hold of the cluster."""
        return [self._share] * len(self._choosing)

    def is_one(self, model: ModelIdentity) -> bool:
        """Whether a model is a pivot system."""
        return model.id in self._plan.pivots

    def wait(self, system: ModelIdentity) -> None:
        """Have a system wait for its model."""
        self._waiting.append(system)

    def of(self, model: str) -> list[ModelIdentity]:
        """The waiting systems of a model, by its id; they wait no more."""
        found = [system for system in self._waiting if system.parent == model]
        self._waiting = [system for system in self._waiting if system.parent != model]
        return found

    def begin(self, cluster: Cluster, is_through: Callable[[str], bool]) -> list[ModelIdentity]:
        """The systems that can be prepared now: their models are through and their pivots known, or being chosen.

        Args:
            cluster: where pivots are chosen.
            is_through: whether all cells of a model, by its id, have ended.
        """
        ready = []
        for system in list(self._waiting):
            if not is_through(str(system.parent)):
                continue
            self._waiting.remove(system)
            if self._is_chosen(system):
                ready.append(system)
            else:
                self._choose(cluster, system)
        return ready

    def _choose(self, cluster: Cluster, system: ModelIdentity) -> None:
        self._found[system.id] = []
        self._choosing[cluster.stream(choose_pivots, self._choice_task(system), share=self._share)] = system

    def follow(self, cluster: Cluster, ref: Ref) -> tuple[ModelIdentity, DragomanError | None] | None:
        """Take the next pair of a choice; returns the system when it is over, with what went wrong."""
        system = self._choosing[ref]
        try:
            self._found[system.id].append(cluster.result(ref))
        except StopIteration:
            del self._choosing[ref]
            record = self._record(system, self._found.pop(system.id))
            with_retries(lambda: self._store.models.add_training(system.id, record))
            return system, None
        except DragomanError as error:
            del self._choosing[ref]
            if not isinstance(error, WorkerDiedError) or not self._attempts.again(system.id, error):
                return system, error
            self._choose(cluster, system)
        return None

    def pivots(self, system: ModelIdentity) -> dict[Pair, str | None]:
        """The language that each pair is translated through; None where the choice has found none."""
        planned = self._plan.pivots[system.id]
        pairs = [pair for pair in self._plan.pairs if pair not in planned.missing]
        pivot = planned.baseline.pivot
        if pivot is not None and pivot.through != BEST:
            return dict.fromkeys(pairs, pivot.through)
        record: Mapping[str, Any] = self._store.models.training(system.id) or {}
        return {Pair.read_back(pair): language for pair, language in record.get("through", {}).items()}

    def legs(self, system: ModelIdentity) -> list[Pair]:
        """Every pair that the system's model translates for it."""
        return sorted({leg for pair, pivot in self.pivots(system).items() if pivot for leg in legs(pair, pivot)})

    def untranslatable(self, system: ModelIdentity, refused: Mapping[Pair, str]) -> dict[Pair, str]:
        """The pairs that can't be translated through their pivot, given the legs that can't."""
        found = {}
        for pair, pivot in self.pivots(system).items():
            if pivot is None:
                found[pair] = NO_PIVOT
            elif lacking := [leg for leg in legs(pair, pivot) if leg in refused]:
                found[pair] = f"its leg {lacking[0]} can't be translated: {refused[lacking[0]]}"
        return found

    def second_legs(
        self, system: ModelIdentity, cells: Sequence[PendingCell], tasks: Iterable[CellTask], drawn: Drawn
    ) -> list[CellTask]:
        """The tasks of a system's cells, each with its way through a third language.

        Args:
            system: the system.
            cells: its cells.
            tasks: their tasks, in the same order.
            drawn: what few-shot prompts show, by prompt and pair.
        """
        model, grid = str(system.parent), self._plan.spec.name
        done = {
            cell.cell.id: cell
            for cell in with_retries(lambda: self._store.cells.of_grid(grid, model=model))
            if cell.hypotheses is not None
        }
        pivots, found = self.pivots(system), []
        for record, task in zip(cells, tasks, strict=True):
            cell = record.cell
            if (pivot := pivots[cell.pair]) is None:
                continue
            first, last = legs(cell.pair, pivot)
            content = self._plan.tested_on(cell).contents.get(first, "")
            other = done.get(Cell(**{**dict(cell), "model": model, "pair": first, "content": content}).id)
            second = SecondLeg(
                pivot=pivot,
                first=other.hypotheses if other else None,
                first_test=other.test if other else None,
                demonstrations=tuple(drawn.get((cell.prompt, first), ())),
            )
            update = {"second": second, "demonstrations": tuple(drawn.get((cell.prompt, last), ()))}
            found.append(task.model_copy(update=update))
        return found

    def _is_chosen(self, system: ModelIdentity) -> bool:
        pivot = self._plan.pivots[system.id].baseline.pivot
        return pivot is None or pivot.through != BEST or self._store.models.training(system.id) is not None

    def _choice_task(self, system: ModelIdentity) -> ChoiceTask:
        plan, planned = self._plan, self._plan.pivots[system.id]
        if planned.baseline.pivot is None:
            raise ValueError(f"{system.name} is no pivot system")
        return ChoiceTask(
            pivot=planned.baseline.pivot,
            pairs=tuple(pair for pair in plan.pairs if pair not in planned.missing),
            languages=plan.spec.languages,
            corpus=plan.spec.test_sets[0].corpus or plan.spec.corpus,
            prompt=plan.prompt,
            checkpoint=checkpoint_of(plan, system, self._settings.models_dir),
            engine=engine_of(plan, system),
            decoding=plan.decoding_of(system.id),
            cache=self._settings.cache_dir,
            gpus=self._share.gpus,
        )

    def _record(self, system: ModelIdentity, found: Sequence[Choice]) -> dict[str, Any]:
        pivot = self._plan.pivots[system.id].baseline.pivot
        return {
            "through": {str(each.pair): each.pivot for each in found},
            "dev": {str(each.pair): each.scores for each in found},
            "metric": pivot.metric if pivot else None,
            "sentences": pivot.sentences if pivot else None,
        }
