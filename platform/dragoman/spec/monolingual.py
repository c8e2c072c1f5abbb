"""Monolingual instructions: training examples of one language, beside those of pairs or alone."""

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from dragoman.language import Language
from dragoman.spec.base import SpecModel
from dragoman.spec.template import checked_template

FIELDS = ("language", "text")
"""What a template may name: the language, and the text that the model is given."""

TASKS = {
    "continue": "[{language}]: {text}",
    "copy": "[{language}]: {text} [{language}]:",
    "paraphrase": "[{language}]: {text} [{language}]:",
}
"""The template of each task, where a spec gives none: the form of the prompt `mfti`, with one language."""

Task = Literal["continue", "copy", "paraphrase"]
"""What the model learns to write: the rest of a sentence, the sentence itself, or another one of the same meaning."""


class Monolingual(SpecModel):
    """Training examples in which both sides are one language. No pair becomes a trained one by them."""

    languages: Literal["all"] | tuple[Language, ...] = "all"
    """The languages; by default those of the grid."""
    task: Task = "continue"
    """`continue`: the second half of a sentence follows the first. `copy`: the sentence follows itself. `paraphrase`: a
    sentence is followed by another that translates the same sentence of another language; needs a corpus with several
    translations of a sentence."""
    examples: int | None = Field(default=None, ge=1)
    """Examples of each language (fewer where the corpus has fewer); the finetuning's `examples` by default, where that
    is a number for each pair."""
    template: str | None = None
    """Text with {text}, and {language} where it is to be named; what is learnt follows it as a translation follows a
    prompt. By default `[{language}]: {text}` to continue, else `[{language}]: {text} [{language}]:`."""

    @field_validator("template")
    @classmethod
    def _names_known_fields(cls, template: str | None) -> str | None:
        if template is None:
            return None
        return checked_template(
            template, FIELDS, plainly="{text} and {language}", once="text", why="what the model is given"
        )

    @model_validator(mode="before")
    @classmethod
    def _takes_one_language_for_a_list(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(found := value.get("languages"), str) and found != "all":
            return {**value, "languages": [found]}
        return value

    @field_validator("languages")
    @classmethod
    def _are_some(cls, languages: Any) -> Any:
        if not languages:
            raise ValueError("is an empty list; name at least one language, or write all")
        if len(set(languages)) != len(languages) and languages != "all":
            raise ValueError("must name each language once")
        return languages

    @property
    def asking(self) -> str:
        """The template in force."""
        return self.template or TASKS[self.task]

    def render(self, language_name: str, text: str) -> str:
        """What the model is given for a text.

        Args:
            language_name: what the language is called.
            text: the sentence, or its first half.
        """
        return self.asking.format(language=language_name, text=text)
