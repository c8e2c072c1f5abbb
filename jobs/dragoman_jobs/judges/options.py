"""What a spec says of a judge: its model, where that is asked, and how."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

TEMPERATURES = 10
"""How often an answer that can't be read is asked for again, each time a tenth warmer: the authors of GEMBA stop at
temperature 1 (`gemba/gpt_api.py` of https://github.com/MicrosoftTranslator/GEMBA)."""


class JudgeOptions(BaseModel):
    """The options of every judge."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    model: Annotated[str, Field(min_length=1)]
    """The model's name at the endpoint."""
    revision: str = ""
    """Its revision, for people and for the signature: endpoints don't tell; scores of two are never mixed."""
    endpoint: str | None = None
    """The endpoint, up to `/v1`; by default OPENAI_BASE_URL. Where it is asked is no part of what it is."""
    key_variable: str | None = None
    """The variable that holds the endpoint's key; by default OPENAI_API_KEY for the default endpoint, else none."""
    budget: Annotated[float, Field(ge=0)] | None = None
    """What may be spent on the model here; by default DRAGOMAN_OPENAI_BUDGET; 0 is no limit."""
    seed: Annotated[int, Field(ge=0)] = 1
    """The seed of every request."""
    tokens: Annotated[int, Field(ge=1, le=4000)] = 500
    """The most tokens of an answer at first; of one that does not end in them, twice as many, up to 4000."""
    retries: Annotated[int, Field(ge=0, le=TEMPERATURES)] = TEMPERATURES
    """How often an answer that can't be read is asked for again, at a temperature that is 0.1 higher each time."""
    template: Path | None = None
    """File of what is asked instead of what comes with Dragoman: a text, or JSON of chat turns."""


class OwnJudgeOptions(JudgeOptions):
    """The options of a judge with a template of one's own, whose answer is JSON."""

    template: Path
    """File of what is asked: a text, or JSON of chat turns."""
    score: Annotated[str, Field(min_length=1)] = "score"
    """Where the score is in the answer: names and places, parted by dots."""
    range: tuple[float, float] = (0.0, 100.0)
    """The worst score and the best, which become 0 and 100; the worst may be the greater number."""
    spans: str | None = None
    """Where the errors are in the answer: a list of objects with `text` and `severity`, and maybe `category`."""

    @field_validator("range", mode="before")
    @classmethod
    def _of_text(cls, value: object) -> object:
        """Two numbers and a comma, as the command line has it."""
        return value.split(",") if isinstance(value, str) else value

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.range[0] == self.range[1]:
            raise ValueError("the worst score and the best are the same: give two numbers")
        return self
