"""Baselines: other systems on the same cells, each a row of the results."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from dragoman.errors import nearest
from dragoman.plugins import available
from dragoman.spec.base import Name, PathText, Shown, SpecModel
from dragoman.spec.decoding import Decoding
from dragoman.spec.pairs import Declared
from dragoman.spec.pivot_translation import PivotTranslation
from dragoman.spec.prompt import EvaluationPrompt, PromptField
from dragoman.spec.quoted import QuotedScores
from dragoman.spec.translations import Translations


def _installed(engine: str) -> str:
    engines = {"auto", *available("engines")}
    if engine not in engines:
        raise ValueError(f"is not an installed engine; {nearest(engine, engines)}")
    return engine


EngineField = Annotated[str, AfterValidator(_installed)]
"""The name of an engine, or `auto`."""

_OF_A_MODEL = ("revision", "trained_on", "engine", "endpoint", "key_variable", "decoding")
_OF_WHAT_IS_ASKED = ("model", "revision", "prompt", "shots", "engine", "endpoint", "key_variable", "decoding")


class Baseline(SpecModel):
    """A system to compare with: another model, the base asked in another way, or what is known of one elsewhere."""

    name: Name
    """Its name in tables."""
    model: PathText | None = None
    """A folder (relative to the spec or to here), a model on the Hugging Face hub, or, for the `openai` engine, what
    the endpoint calls it; by default it is the base model."""
    revision: Shown | None = None
    """Commit or tag on the hub."""
    trained_on: Declared = "unknown"
    """Pairs the model was trained to translate, as for the base; `all` for a translation model such as NLLB."""
    prompt: PromptField | None = None
    """What it is asked with; the grid's first prompt by default. Translation models read the sentence alone."""
    shots: int | None = Field(default=None, ge=0, le=1000)
    """Translated examples shown in that prompt; 0 for zero-shot."""
    engine: EngineField | None = None
    """The engine that decodes it; the evaluation's by default."""
    endpoint: Shown | None = Field(default=None, pattern=r"^https?://")
    """Address of the endpoint for the `openai` engine, up to `/v1`; by default OPENAI_BASE_URL, else OpenAI's own."""
    key_variable: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """Variable of the environment that holds the endpoint's key; by default OPENAI_API_KEY where no endpoint is named,
    and none where one is."""
    decoding: Decoding | None = None
    """How it is decoded; as the evaluation's models by default."""
    translations: Translations | None = Field(default=None, exclude_if=lambda translations: translations is None)
    """Files that hold its translations, of a system that is not run here: neither asked nor decoded, only scored."""
    scores: QuotedScores | None = Field(default=None, exclude_if=lambda scores: scores is None)
    """A table of its scores, quoted from a source without translations: shown beside others, and never tested."""

    pivot: PivotTranslation | None = Field(default=None, exclude_if=lambda pivot: pivot is None)
    """A model of the grid that translates in two legs, through a third language; it is asked with the grid's first
    prompt and decoded as that model is."""

    @property
    def stands_alone(self) -> bool:
        """Whether it is a system of its own, and not the base asked in another way."""
        return self.model is not None or self.pivot is not None or self.is_from_elsewhere

    @property
    def is_from_elsewhere(self) -> bool:
        """Whether it is not run here: its translations, or its scores, are in files."""
        return self.translations is not None or self.scores is not None

    @property
    def test_set(self) -> str | None:
        """Name of the test set that its translations or scores from files are of; None is the first."""
        found = self.translations or self.scores
        return None if found is None else found.test_set

    def why_not_of_others(self, own: str | None) -> str:
        """Why a system that is not run here has nothing of other test sets, given the name of its own."""
        return f"its {'scores' if self.scores else 'translations'} are of the test set {own}"

    @model_validator(mode="after")
    def _hangs_together(self) -> "Baseline":
        if self.translations is not None and self.scores is not None:
            raise ValueError("has both translations and scores; leave one out: translations are scored here")
        if self.pivot is not None:
            others = (*_OF_WHAT_IS_ASKED, "trained_on", "translations", "scores")
            given = [name for name in others if getattr(self, name) != _default(name)]
            if given:
                raise ValueError(f"has a pivot, whose model says how it is asked, and {given[0]}; leave one out")
            return self
        if self.is_from_elsewhere:
            what = "scores" if self.translations is None else "translations"
            asked = [name for name in _OF_WHAT_IS_ASKED if getattr(self, name) != _default(name)]
            if asked:
                raise ValueError(f"has {what}, so nothing is asked or decoded, and {asked[0]}; leave one out")
            return self
        given = [name for name in _OF_A_MODEL if getattr(self, name) != _default(name)]
        if self.model is None and given:
            raise ValueError(f"has {given[0]} but names no model; add one, or leave that out to ask the base itself")
        for name in ("endpoint", "key_variable"):
            if getattr(self, name) and self.engine != "openai":
                raise ValueError(f"has {name} but another engine than openai; set `engine: openai` or leave it out")
        return self

    def asked_with(self, first: EvaluationPrompt) -> EvaluationPrompt | None:
        """The prompt that is its own; None where it is asked with the grid's first.

        Args:
            first: the grid's first prompt.
        """
        if self.prompt is None and self.shots in (None, first.shots):
            return None
        shots = {} if self.shots is None else {"shots": self.shots}
        asked = (self.prompt or first).model_dump() | shots
        return EvaluationPrompt(**{**asked, "name": self.name, "models": (self.name if self.model else "base",)})


def _default(name: str) -> Any:
    return Baseline.model_fields[name].default
