"""The systems that a grid compares, each a model run with a prompt, and the names of its prompts and metrics."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from sqlalchemy import ColumnElement, Connection, exists, select

from dragoman.errors import StoreError
from dragoman.model import Quotation, is_from_files, quotation
from dragoman.spec.prompt import EvaluationPrompt
from dragoman.store.database.ids import grid_number
from dragoman.store.repositories.grid_metrics import known_metrics
from dragoman.store.repositories.grid_spec import spec_of
from dragoman.store.repositories.grids import grid_models
from dragoman.store.schema import (
    CellRow,
    ConditionRow,
    GridModelRow,
    GridPairRow,
    ModelRow,
    PromptRow,
)
from dragoman.store.store import Store


@dataclass(frozen=True, slots=True)
class System:
    """A system under comparison: a model of a grid, run with a prompt."""

    grid: str
    """Name of the grid."""
    model: str
    """The model's name in it."""
    prompt: str | None = None
    """Name of the prompt, or text it holds; None is the model's first."""
    is_from_files: bool = field(default=False, compare=False)
    """Whether its translations were read from files: its prompt then only says with whom it is compared."""
    quoted: Quotation | None = field(default=None, compare=False)
    """Where its scores are quoted from, if it has no translations; its prompt then says no more either."""

    @classmethod
    def parse(cls, text: str, grid: str | None = None, models: Collection[str] = ()) -> Self:
        """The system of a name: `GRID/MODEL:PROMPT`, or shorter `GRID/MODEL`, `MODEL:PROMPT` and `MODEL`.

        Args:
            text: the name; a prompt's may hold any character.
            grid: the grid of names without one.
            models: names of that grid's models, which may hold `/`, as those on the Hugging Face hub do.

        Raises:
            StoreError: the name has no grid, and none is given.
        """
        own = [model for model in models if text == model or text.startswith(f"{model}:")]
        if grid is not None and own:
            model = max(own, key=len)
            return cls(grid, model, text[len(model) + 1 :] or None)
        before, slash, rest = text.partition("/")
        if slash and ":" not in before:
            grid, text = before, rest
        if grid is None:
            raise StoreError(f"'{text}' names no grid: write GRID/MODEL or GRID/MODEL:PROMPT.")
        model, _, prompt = text.partition(":")
        return cls(grid, model, prompt or None)

    def __str__(self) -> str:
        return f"{self.grid}/{self.model}" + ("" if self.asked_with is None else f":{self.asked_with}")

    def within(self, grid: str) -> str:
        """Its name relative to a grid: without the grid's name where it is of that one."""
        return str(self).removeprefix(f"{grid}/")

    @property
    def asked_with(self) -> str | None:
        """The prompt that it was asked with; None where it has none of its own, or was not asked here."""
        return None if self.is_from_elsewhere else self.prompt

    @property
    def is_from_elsewhere(self) -> bool:
        """Whether it was neither asked nor decoded here."""
        return self.is_from_files or self.quoted is not None

    @property
    def phrase(self) -> str:
        """Its description within a sentence."""
        return self.model if self.asked_with is None else f"{self.model} asked with {self.asked_with}"


def systems(store: Store, grid: str) -> list[System]:
    """The models of a grid, each with the prompts it is run with; the grid's first prompt comes first.

    Raises:
        StoreError: there is no such grid.
    """
    with store.database.reading() as connection:
        return systems_of(connection, grid, grid_number(connection, grid))


def systems_of(connection: Connection, grid: str, grid_id: int) -> list[System]:
    """The same, inside a transaction."""
    names = prompt_names(connection, grid_id)
    query = (
        select(GridModelRow.name, PromptRow.identity, ModelRow.recipe)
        .select_from(GridModelRow)
        .join(ModelRow, ModelRow.id == GridModelRow.model_id)
        .join(ConditionRow, _in_grid(grid_id))
        .join(PromptRow, PromptRow.id == ConditionRow.prompt_id)
        .where(
            GridModelRow.grid_id == grid_id,
            exists().where(CellRow.model_id == GridModelRow.model_id, CellRow.condition_id == ConditionRow.id),
        )
        .order_by(GridModelRow.position)
    )
    rows = {(row.name, row.identity): row.recipe for row in connection.execute(query)}
    order = list(names)
    models = list(dict.fromkeys(model for model, _ in rows))
    rank = {row: (models.index(row[0]), order.index(row[1])) for row in rows}
    return [
        System(grid, row[0], names[row[1]], is_from_files(rows[row]), quotation(rows[row]))
        for row in sorted(rows, key=lambda row: rank[row])
    ]


def prompt_names(connection: Connection, grid_id: int) -> dict[str, str]:
    """The names of a grid's prompts by identity: the specification's first, in its order, then others by their text."""
    used = {
        row.identity: row.template
        for row in connection.execute(
            select(PromptRow.identity, PromptRow.template)
            .distinct()
            .join(ConditionRow, ConditionRow.prompt_id == PromptRow.id)
            .where(_in_grid(grid_id))
            .order_by(PromptRow.template)
        )
    }
    spec = spec_of(connection, grid_id)
    evaluation = spec.get("evaluation") or {}
    written = evaluation.get("prompts") or [evaluation.get("prompt") or spec.get("prompt")]
    named = {prompt.id: prompt.label for prompt in (EvaluationPrompt.model_validate(each) for each in written if each)}
    return {identity: name for identity, name in {**named, **used, **named}.items() if identity in used}


def from_files(connection: Connection, model_ids: Collection[int]) -> set[int]:
    """Those of some models, by their numbers, whose translations were read from files."""
    query = select(ModelRow.id, ModelRow.recipe).where(ModelRow.id.in_(model_ids))
    return {row.id for row in connection.execute(query) if is_from_files(row.recipe)}


def quotations(connection: Connection, model_ids: Collection[int]) -> dict[int, Quotation]:
    """Those of some models, by their numbers, whose scores are quoted, with their sources."""
    query = select(ModelRow.id, ModelRow.recipe).where(ModelRow.id.in_(model_ids))
    return {row.id: found for row in connection.execute(query) if (found := quotation(row.recipe)) is not None}


def chosen_prompt(connection: Connection, grid_id: int, wanted: str | None) -> str | None:
    """The search text for a grid's prompts: the identity of the one named, or by default of the first.

    Text that is no prompt's name, and None where the specification names no prompts, are returned as they are.
    """
    names = {name: identity for identity, name in prompt_names(connection, grid_id).items()}
    if wanted is not None:
        return names.get(wanted, wanted)
    spec = spec_of(connection, grid_id)
    return next(iter(names.values())) if (spec.get("evaluation") or {}).get("prompts") else None


def system_meant(
    connection: Connection, grid_id: int, *, models: Collection[str], named: System, prompt: str | None
) -> System:
    """The system of a name: its model's; for a baseline that is the base with another prompt or decoding, the base's.

    Args:
        connection: a reading transaction.
        grid_id: number of the grid.
        models: names of its models.
        named: the name, read; a model that there is not is left for what looks it up to refuse.
        prompt: name of the prompt where the name has none; the model's first by default.

    Raises:
        StoreError: the name is a baseline's, and the grid has no cells.
    """
    model, prompt = named.model, named.prompt or prompt
    prompts = list(prompt_names(connection, grid_id).values())
    if model not in models:
        spec = spec_of(connection, grid_id)
        if any(each["name"] == model and not _stands_alone(each) for each in spec.get("baselines") or ()):
            if not prompts:
                raise StoreError(f"'{model}' is the base asked with another prompt, and the grid has no cells yet.")
            return System(named.grid, "base", model if model in prompts else prompts[0])
        return replace(named, prompt=prompt)
    if prompt is None and len(prompts) > 1:
        own = [each.prompt for each in systems_of(connection, named.grid, grid_id) if each.model == model]
        prompt = next(iter(own), None)
    return replace(named, prompt=prompt)


def _stands_alone(baseline: Mapping[str, Any]) -> bool:
    """Whether a specification's baseline is a system of its own, and not the base asked in another way."""
    return any(baseline.get(key) for key in ("model", "translations", "scores", "pivot"))


def _in_grid(grid_id: int) -> ColumnElement[bool]:
    return exists().where(GridPairRow.grid_id == grid_id, GridPairRow.condition_id == ConditionRow.id)


def model_names(store: Store, grid: str) -> list[str]:
    """Names of a grid's models, `base` first where it is evaluated.

    Raises:
        StoreError: there is no such grid.
    """
    with store.database.reading() as connection:
        return list(grid_models(connection, grid_number(connection, grid)))


def metric_names(store: Store, grid: str) -> list[str]:
    """Names of the metrics of a grid's specification, then of others it has been scored with since.

    Raises:
        StoreError: there is no such grid.
    """
    with store.database.reading() as connection:
        return known_metrics(connection, grid_number(connection, grid))
