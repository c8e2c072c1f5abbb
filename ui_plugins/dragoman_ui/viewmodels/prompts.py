"""The rendered prompt of a sentence."""

from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache

from pydantic import ValidationError

from dragoman.errors import DragomanError
from dragoman.pair import Pair
from dragoman.planning.few_shot import Demonstrator
from dragoman.segment import Segment
from dragoman.spec.grid import GridSpec
from dragoman.spec.prompt import Prompt
from dragoman.store.records import CellRecord, GridRecord


def rendered_prompt(grid: GridRecord, cell: CellRecord, source: str, reference: str) -> str | None:
    """The prompt of a sentence, where the grid's specification still has the one that the cell was translated with.

    A chat is shown turn by turn: each model's own template puts its marks between them. A prompt whose examples can't
    be read here is shown with the reason.
    """
    prompt = next((each for each in _prompts(grid) if each.id == cell.cell.prompt), None)
    if prompt is None:
        return None
    try:
        drawn = _drawn(prompt.model_dump_json(), cell.cell.pair) if prompt.shots else ()
        if prompt.chat is None:
            return prompt.render(cell.cell.pair, source, drawn, reference)
        turns = prompt.turns(cell.cell.pair, source, drawn, reference)
        return "\n\n".join(f"{turn.role}: {turn.content}" for turn in turns)
    except DragomanError as error:
        return f"{prompt.shown}\n\n({error})"


def _prompts(grid: GridRecord) -> Iterator[Prompt]:
    try:
        yield from GridSpec.from_store(grid.spec).prompts
    except ValidationError:
        # a grid of another version, or one that was not made from a specification
        for part in (grid.spec.get("evaluation"), grid.spec):
            if isinstance(part, dict) and isinstance(part.get("prompt"), dict):
                with suppress(ValidationError):
                    yield Prompt.model_validate(part["prompt"])


@lru_cache(maxsize=256)
def _drawn(prompt: str, pair: Pair) -> tuple[Segment, ...]:
    """The demonstrations of a prompt for a pair; drawn once, as that reads a corpus."""
    return Demonstrator(Prompt.model_validate_json(prompt)).of(pair)
