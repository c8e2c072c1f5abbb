"""A prompt with the right, no and a wrong instruction, and which of these a grid asks with."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, get_args

from dragoman.errors import StoreError, nearest
from dragoman.spec.prompt import EvaluationPrompt, Prompt
from dragoman.store.store import Store

Instruction = Literal["right", "none", "wrong"]

INSTRUCTIONS: tuple[Instruction, ...] = get_args(Instruction)
"""The instructions, the right one first."""


class Family(NamedTuple):
    """A prompt with each instruction, and the prompts of a grid that are among these."""

    variants: Mapping[Instruction, Prompt]
    """The prompt with each instruction."""
    asked: Mapping[Instruction, str]
    """Names of the grid's prompts that are one of them."""

    @property
    def name(self) -> str:
        """What tables call the prompt with its right instruction."""
        return self.asked.get("right") or self.variants["right"].label


def variants(prompt: Prompt, languages: Sequence[str]) -> dict[Instruction, Prompt]:
    """A prompt with each of the instructions, all else the same.

    Args:
        prompt: the prompt, with whichever instruction.
        languages: those that a wrong instruction names, where the prompt says none.
    """
    wrong = prompt.wrong_languages or tuple(languages)
    return {
        instruction: prompt.model_copy(
            update={
                "instruction": instruction,
                "wrong_languages": wrong if instruction == "wrong" else (),
                "name": prompt.name if instruction == prompt.instruction else None,
            }
        )
        for instruction in INSTRUCTIONS
    }


def families(store: Store, grid: str) -> list[Family]:
    """The prompts of a grid, those together that differ in their instruction alone.

    Raises:
        StoreError: there is no such grid.
    """
    record = store.grids.get(grid)
    evaluation = record.spec.get("evaluation") or {}
    written = evaluation.get("prompts") or [evaluation.get("prompt") or record.spec.get("prompt")]
    prompts = [EvaluationPrompt.model_validate(each) for each in written if each]
    found: dict[str, Family] = {}
    for prompt in prompts:
        of_prompt = variants(prompt, record.languages)
        family = found.setdefault(of_prompt["right"].id, Family(of_prompt, {}))
        asked = {**family.asked, prompt.instruction: prompt.label}
        # one that names the languages itself has the wrong instruction of the family
        whole = of_prompt if prompt.instruction == "wrong" else family.variants
        found[of_prompt["right"].id] = Family(whole, asked)
    return list(found.values())


def family_of(store: Store, grid: str, prompt: str | None = None) -> Family:
    """The prompts among which one of a name is; by default the first that have several instructions, or the first.

    Raises:
        StoreError: there is no such grid or prompt, or the specification in the store has none.
    """
    found = families(store, grid)
    if not found:
        raise StoreError(f"The grid {grid} says nothing of its prompts: its instructions can't be compared.")
    if prompt is None:
        return max(found, key=lambda family: len(family.asked) > 1)
    names = [name for family in found for name in family.asked.values()]
    if prompt not in names:
        raise StoreError(f"Grid '{grid}' has no prompt '{prompt}'; {nearest(prompt, names)}")
    return next(family for family in found if prompt in family.asked.values())
