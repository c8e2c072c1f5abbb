"""A view of a grid: the query parameters of its pages, parsed and checked, so that every view is a link."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict

from dragoman.analysis.pair_scores import BASE
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import System
from dragoman.errors import StoreError
from dragoman.line_filter import LineFilter
from dragoman.partition import Partition
from dragoman.store.records import GridRecord, ModelRecord
from dragoman.store.store import Store
from dragoman_ui.viewmodels.systems import Names, one_of


class Show(StrEnum):
    """The quantity that colours the tiles of a heat map."""

    SCORE = "score"
    """The score."""
    GAIN = "gain"
    """The difference to the base model."""
    DIFFERENCE = "difference"
    """The difference to another model, with significance marked."""
    PARTITION = "partition"
    """The kind of pair."""


class Order(StrEnum):
    """How languages are ordered along both sides of a heat map."""

    GRID = "grid"
    """As the spec names them."""
    NAME = "name"
    """By English name."""
    FAMILY = "family"
    """By language family, then name."""
    SCRIPT = "script"
    """By script, then name."""
    TRAINING = "training"
    """Trained as both source and target, as source only, as target only, not at all; then by examples."""
    SCORE = "score"
    """By mean score, the best first: sources by theirs, targets by theirs."""


class View(BaseModel):
    """One model of a grid under one metric, and how it is shown."""

    model_config = ConfigDict(frozen=True)

    grid: str
    """Name of the grid."""
    model: str
    """The model's name in the grid."""
    metric: str
    """Name of the metric."""
    signature: str | None = None
    """Text that the scores' signatures hold, where the metric has several."""
    prompt: str | None = None
    """Name of the prompt, where the grid asks with several; the model's first by default."""
    test_set: str | None = None
    """Name of the test set, where the grid has several."""
    lines: str | None = None
    """The filter of the test lines that are looked at (`domain=news`); all by default."""
    show: Show = Show.SCORE
    """The quantity that colours the tiles."""
    order: Order = Order.GRID
    """How languages are ordered."""
    only: Partition | None = None
    """The partition whose tiles stand out."""
    against: str | None = None
    """The reference of a difference: a model, `MODEL:PROMPT` or a baseline; by default the first finetuned one."""

    @classmethod
    def of(cls, store: Store, arguments: Mapping[str, str]) -> Self:
        """The view of a URL's query; by default the first finetuned model and the first metric.

        Raises:
            StoreError: something named is not there.
        """
        names = Names.of(store, arguments.get("grid", ""))
        only = arguments.get("only")
        default = next((name for name in names.models if name != BASE), BASE)
        system = names.system(arguments.get("model") or default, arguments.get("prompt"))
        against = arguments.get("against")
        return cls(
            grid=names.grid,
            model=system.model,
            metric=one_of(
                f"Grid '{names.grid}' has no metric", arguments.get("metric") or names.metrics[0], names.metrics
            ),
            signature=arguments.get("signature") or None,
            prompt=system.prompt,
            test_set=names.test_set(arguments.get("test_set")),
            lines=lines_asked(arguments),
            show=Show(one_of("A heat map can't show", arguments.get("show") or Show.SCORE, Show)),
            order=Order(one_of("Languages can't be ordered by", arguments.get("order") or Order.GRID, Order)),
            only=Partition(one_of("There is no partition", only, Partition)) if only else None,
            against=_checked(store, names, system, against) if against else None,
        )

    @property
    def system(self) -> System:
        """The model and the prompt it is run with."""
        return System(self.grid, self.model, self.prompt)

    @property
    def question(self) -> ScoreQuestion:
        """The query for its scores."""
        return ScoreQuestion(
            self.grid,
            self.metric,
            signature=self.signature,
            prompt=self.prompt,
            test_set=self.test_set,
            lines=self.lines,
        )

    def query(self, **changes: object) -> dict[str, str]:
        """The parameters of a link to this view, or to one that differs in some fields; defaults are left out."""
        fields = self.model_copy(update=changes).model_dump(mode="json", exclude_defaults=True)
        return {name: str(value) for name, value in fields.items() if value is not None}


def lines_asked(arguments: Mapping[str, str]) -> str | None:
    """The filter of test lines of a URL's query, in its own words; None is all.

    Raises:
        LineFilterError: it can't be read.
    """
    return str(LineFilter.parse(asked)) if (asked := arguments.get("lines")) else None


def rival(store: Store, view: View, asked: str | None) -> str:
    """What a view is compared with: the chosen system, else the base, else the first that there is.

    Raises:
        StoreError: the grid has nothing of that name, or nothing else at all.
    """
    names = Names.of(store, view.grid)
    if (quoted := names.quoted.get(view.model)) is not None:
        raise StoreError(
            f"The scores of {view.model} are {quoted.phrase}, without translations, so that no difference can be "
            "tested: compare other models, or set it beside one with `dragoman compare --with-quoted`."
        )
    others = names.rivals(view.system)
    if not others and not asked:
        raise StoreError(f"Grid '{view.grid}' has no model besides '{view.model}': nothing to compare it with.")
    return _checked(store, names, view.system, asked or (BASE if BASE in others else others[0]))


def _checked(store: Store, names: Names, system: System, against: str) -> str:
    """Check what a system is compared with: another system of its grid, or any of another grid."""
    where, name = names.elsewhere(store, against)
    if where.grid == names.grid:
        one_of(f"'{system.model}' can't be compared with", name, names.rivals(system))
    else:
        where.system(name)
    return against


def model_of(store: Store, grid: GridRecord, name: str) -> ModelRecord:
    """A model by its name in a grid."""
    return store.models.get(next(identity for identity, called in grid.names.items() if called == name))
