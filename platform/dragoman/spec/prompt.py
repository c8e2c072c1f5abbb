"""A prompt: the text put before the model for one source sentence."""

from string import Formatter
from typing import Annotated, Any

from pydantic import BeforeValidator, field_validator

from dragoman.errors import nearest
from dragoman.identity import fingerprint
from dragoman.language import english_name
from dragoman.pair import Pair
from dragoman.spec.base import SpecModel

FIELDS = ("source_language", "target_language", "source")
"""What a template may name: the two languages in English, and the sentence."""

NAMED = {
    "mfti": "[{source_language}]: {source} [{target_language}]:",
    "mfti-translation": "Translation: [{source_language}]: {source} [{target_language}]:",
}
"""The prompts of the mFTI paper: `mfti` is its training form, `mfti-translation` its default in evaluation."""


class Prompt(SpecModel):
    """A prompt template. The model's translation follows it, after one space."""

    template: str
    """Text with the fields {source_language}, {target_language} and {source}."""

    @field_validator("template")
    @classmethod
    def _names_known_fields(cls, template: str) -> str:
        try:
            named = [field for _, field, _, _ in Formatter().parse(template) if field is not None]
        except ValueError as error:
            raise ValueError(f"is not a template ({error}); write literal braces doubled") from error
        for field in named:
            if field not in FIELDS:
                raise ValueError(f"names the unknown field {{{field}}}; {nearest(field, FIELDS)}")
        if named.count("source") != 1:
            raise ValueError("must hold {source} exactly once: it is the sentence to translate")
        return template

    def render(self, pair: Pair, source: str) -> str:
        """The prompt of one sentence."""
        return self.template.format(
            source_language=english_name(pair.source), target_language=english_name(pair.target), source=source
        )

    @property
    def id(self) -> str:
        """The prompt's identity: its text."""
        return fingerprint("prompt", 1, {"template": self.template})


def _by_name(value: Any) -> Any:
    if isinstance(value, str):
        if value in NAMED:
            return {"template": NAMED[value]}
        if "{" in value:
            return {"template": value}
        raise ValueError(f"is not a known prompt; {nearest(value, NAMED)} Or give a template with {{source}} in it")
    return value


PromptField = Annotated[Prompt, BeforeValidator(_by_name)]
"""A prompt in a spec: the name of a known one, or a template."""
