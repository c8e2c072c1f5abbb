"""Names of a grid's metrics and systems, each a model run with one prompt."""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from dragoman.analysis.pair_scores import BASE
from dragoman.analysis.systems import System, metric_names, model_names, prompt_names, systems
from dragoman.errors import StoreError, nearest
from dragoman.model import Quotation
from dragoman.reports.quoted import named
from dragoman.store.database.ids import grid_number
from dragoman.store.store import Store
from dragoman_ui.viewmodels.store import stamp


class Names(NamedTuple):
    """The names of one grid."""

    grid: str
    """The grid's own."""
    models: list[str]
    """Its models, the base first where it is evaluated."""
    metrics: list[str]
    """Its metrics, in the order of the specification."""
    systems: list[System]
    """Its models, each with the prompts it is run with, in the order of the specification."""
    baselines: list[str]
    """Its baselines that are the base with another prompt or decoding: they have no model of their own."""
    identities: dict[str, str]
    """The identities of its prompts, by name."""
    test_sets: dict[str, str]
    """The identities of its test sets by name, the first one first; none where its one test set has no name."""
    from_files: frozenset[str] = frozenset()
    """Its models whose translations were read from files: they were asked with no prompt that is known here."""
    quoted: Mapping[str, Quotation] = {}
    """Its models whose scores are quoted, with their sources; likewise."""

    @classmethod
    def of(cls, store: Store, grid: str) -> "Names":
        """The names of a grid, read again when the store has changed.

        Raises:
            StoreError: there is no such grid.
        """
        return _read(stamp(), store, grid)

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Its models for a form, with the mark of those whose scores are quoted."""
        return [(name, named(name, self.quoted.get(name))) for name in self.models]

    @property
    def prompts(self) -> list[str]:
        """Its prompts, in the order of the specification."""
        return list(dict.fromkeys(str(each.prompt) for each in self.systems))

    def prompts_of(self, model: str) -> list[str]:
        """The prompts that a model is run with."""
        return [str(each.prompt) for each in self.systems if each.model == model]

    def test_set(self, name: str | None) -> str | None:
        """The test set of a name, by default the first; None where the grid has only one.

        Raises:
            StoreError: the grid has no such test set.
        """
        if name and not self.test_sets:
            remedy = "its one test set has no name: leave it out."
            raise StoreError(f"Grid '{self.grid}' has no test set '{name}': {remedy}")
        if name:
            one_of(f"Grid '{self.grid}' has no test set", name, self.test_sets)
        return (name or next(iter(self.test_sets))) if len(self.test_sets) > 1 else None

    def system(self, name: str, prompt: str | None = None) -> System:
        """The system of a name: a model's, `MODEL:PROMPT`, or a baseline's.

        Args:
            name: the name.
            prompt: the prompt where the name has none; a model that is not run with it has its first instead.

        Returns:
            The model and the prompt; without a prompt where the grid has only one.

        Raises:
            StoreError: the grid has no such model or prompt.
        """
        if name in self.baselines and name not in self.models:
            return System(self.grid, BASE, name if name in self.prompts_of(BASE) else self._prompt(BASE, None))
        asked = System.parse(name, self.grid, self.models)
        model = one_of(f"Grid '{self.grid}' has no model", asked.model, [*self.models, *self.baselines])
        if asked.prompt:
            one_of(f"'{model}' is not asked with the prompt", asked.prompt, self.prompts_of(model))
        elif prompt:
            one_of(f"Grid '{self.grid}' has no prompt", prompt, self.prompts)
        return System(self.grid, model, self._prompt(model, asked.prompt or prompt))

    def elsewhere(self, store: Store, name: str) -> "tuple[Names, str]":
        """The names of a system's grid, another for `GRID/...`, and the system's name in it.

        Raises:
            StoreError: there is no such grid.
        """
        if name in self.models:
            return self, name
        other = System.parse(name, self.grid, [*self.models, *self.baselines])
        return (self if other.grid == self.grid else Names.of(store, other.grid)), other.within(other.grid)

    def rivals(self, system: System) -> list[str]:
        """The names that a system can be compared with: other models, the same with other prompts, and baselines.

        Scores that are quoted can't be tested, and are compared with none.
        """
        if system.model in self.quoted:
            return []
        several = {model for model, prompts in Counter(each.model for each in self.systems).items() if prompts > 1}
        models = [model for model in self.models if model != system.model and model not in self.quoted]
        prompts = [
            each.within(self.grid) for each in self.systems if each.model in several and each.prompt != system.prompt
        ]
        return [*models, *(name for name in self.baselines if self.system(name) != system), *prompts]

    def _prompt(self, model: str, wanted: str | None) -> str | None:
        if len(self.prompts) < 2 or model in self.from_files or model in self.quoted:
            return None
        prompts = self.prompts_of(model) or self.prompts
        return wanted if wanted in prompts else prompts[0]


@lru_cache(maxsize=256)
def _read(moment: str, store: Store, grid: str) -> Names:
    del moment
    baselines = store.grids.get(grid).spec.get("baselines") or ()
    found = systems(store, grid)
    with store.database.reading() as connection:
        prompts = prompt_names(connection, grid_number(connection, grid))
    return Names(
        grid,
        model_names(store, grid),
        metric_names(store, grid),
        found,
        [
            each["name"]
            for each in baselines
            if not (each.get("model") or each.get("translations") or each.get("scores") or each.get("pivot"))
        ],
        {name: identity for identity, name in prompts.items()},
        {name: identity for identity, name in store.grids.get(grid).test_sets.items()},
        frozenset(each.model for each in found if each.is_from_files),
        {each.model: each.quoted for each in found if each.quoted is not None},
    )


def one_of(complaint: str, name: str, allowed: Iterable[str]) -> str:
    """The name, if it is allowed.

    Raises:
        StoreError: it isn't; the sentence begins with the complaint.
    """
    choices = list(allowed)
    if name not in choices:
        raise StoreError(f"{complaint} '{name}': {nearest(name, choices)}")
    return name
