"""A view of a grid: what a page shows, all of it in the URL, so that every view is a link."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict

from dragoman.errors import StoreError, nearest
from dragoman.partition import Partition
from dragoman.store.queries import BASE, metric_names, model_names
from dragoman.store.store import Store


class Show(StrEnum):
    """What colours the tiles of a heat map."""

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
    """Name of the prompt, where the grid asks with several; its first by default."""
    show: Show = Show.SCORE
    """What colours the tiles."""
    order: Order = Order.GRID
    """How languages are ordered."""
    only: Partition | None = None
    """The partition whose tiles stand out."""
    against: str | None = None
    """The other model of a difference; by default the first finetuned one."""

    @classmethod
    def of(cls, store: Store, arguments: Mapping[str, str]) -> Self:
        """The view that a URL's query asks for; what it leaves open is the first finetuned model and the first metric.

        Raises:
            StoreError: something named is not there.
        """
        grid = arguments.get("grid", "")
        models, metrics = model_names(store, grid), metric_names(store, grid)
        only = arguments.get("only")
        default = next((name for name in models if name != BASE), BASE)
        model = one_of(f"Grid '{grid}' has no model", arguments.get("model") or default, models)
        against = arguments.get("against")
        return cls(
            grid=grid,
            model=model,
            metric=one_of(f"Grid '{grid}' has no metric", arguments.get("metric") or metrics[0], metrics),
            signature=arguments.get("signature") or None,
            prompt=arguments.get("prompt") or None,
            show=Show(one_of("A heat map can't show", arguments.get("show") or Show.SCORE, Show)),
            order=Order(one_of("Languages can't be ordered by", arguments.get("order") or Order.GRID, Order)),
            only=Partition(one_of("There is no partition", only, Partition)) if only else None,
            against=one_of(f"'{model}' can't be compared with", against, _others(models, model)) if against else None,
        )

    def query(self, **changes: object) -> dict[str, str]:
        """The parameters of a link to this view, or to one that differs in some fields; defaults are left out."""
        fields = self.model_copy(update=changes).model_dump(mode="json", exclude_defaults=True)
        return {name: str(value) for name, value in fields.items() if value is not None}


def _others(models: Sequence[str], model: str) -> list[str]:
    return [name for name in models if name != model]


def one_of(complaint: str, name: str, allowed: Iterable[str]) -> str:
    """The name, if it is allowed.

    Raises:
        StoreError: it isn't; the sentence begins with the complaint.
    """
    choices = list(allowed)
    if name not in choices:
        raise StoreError(f"{complaint} '{name}': {nearest(name, choices)}")
    return name
