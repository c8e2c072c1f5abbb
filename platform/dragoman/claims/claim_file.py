"""Files of claims: YAML with a list of claims, and what they have in common."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from dragoman import plugins
from dragoman.claims.question import Asked, Question
from dragoman.errors import DragomanError, SpecError, nearest
from dragoman.metrics.significance import Correction
from dragoman.plugins import available
from dragoman.reading import ReadingError, read_text
from dragoman.spec.base import Name, SpecModel
from dragoman.spec.document import parsed
from dragoman.spec.loading import sentence

GROUP = "questions"
"""Group of the entry points of questions."""

_LIMIT = "limit_spec_bytes"

MOST = 200
"""Claims of one file."""

Level = Annotated[float, Field(gt=0, lt=1)]
"""A level of significance."""


class ClaimsError(DragomanError):
    """A file of claims that can't be read or answered, with the remedy."""


class _Common(SpecModel):
    """What a claim may say, and a file of all its claims."""

    over: str | None = None
    """The campaign or the grid."""
    metric: str | None = None
    """The metric; the first of the grid by default."""
    test_set: str | None = None
    """The test set; the grid's first by default."""
    prompt: str | None = None
    """The prompt; the grid's first by default."""
    signature: str | None = None
    """Text that the signatures hold, where a metric has several."""
    decoding: str | None = None
    """Text that the decoding holds, where a grid has several."""
    lines: str | None = None
    """The slice of the test set, such as `domain=news`."""
    grids: tuple[str, ...] = ()
    """Only these grids of the campaign; all by default."""
    models: tuple[str, ...] = ()
    """Only the finetuned models of these names in their grids; all by default."""
    alpha: Level | None = None
    """The level of significance; 0.05 by default."""


class Claim(_Common):
    """A claim: an estimate that lies in a direction from a value."""

    name: Name
    """Its name in tables."""
    says: str
    """The claim in words."""
    question: str
    """Name of the question (a plugin)."""
    direction: Literal["above", "below", "differs"] = "above"
    """Where the estimate is claimed to lie: above the value, below it, or on either side."""
    value: float = 0.0
    """The value that it is held against."""
    matters: float | None = Field(default=None, gt=0)
    """The smallest distance from the value that would matter: where the interval holds both the value and one that
    far from it, the answer is `too few data` and not `fails`."""
    options: dict[str, Any] = Field(default_factory=dict)
    """What else is said: the question's own model checks it."""

    @model_validator(mode="before")
    @classmethod
    def _gathers_options(cls, content: Any) -> Any:
        name = content.get("question") if isinstance(content, dict) else None
        if not isinstance(name, str) or "options" in content:
            return content
        if name not in available(GROUP):
            raise ValueError(f"asks the question '{name}', which there is not; {nearest(name, available(GROUP))}")
        own, known = plugins.load(GROUP, name).Options.model_fields, cls.model_fields.keys() - {"options"}
        for key in content:
            if key not in own and key not in known:
                raise ValueError(f"has no key '{key}'; {nearest(str(key), {*own, *known})}")
        given = {key: value for key, value in content.items() if key not in known}
        return {**{key: value for key, value in content.items() if key in known}, "options": given}

    def asked(self) -> Asked:
        """What its question is asked about."""
        rest = {name: getattr(self, name) for name in Asked._fields if name not in ("over", "read")}
        return Asked(over=str(self.over), **rest)

    def made(self) -> Question:
        """Its question with the options."""
        kind: type[Question] = plugins.load(GROUP, self.question)
        return kind(kind.Options.model_validate(self.options))


class ClaimFile(_Common):
    """Claims that are answered together."""

    name: Name
    """Its name."""
    says: str = ""
    """What the claims are of, in words: a paper's title."""
    correction: Literal["holm", "none"] = "holm"
    """How p-values are adjusted for the number of claims: after Holm, or not."""
    claims: tuple[Claim, ...]
    """The claims."""

    @property
    def how(self) -> Correction:
        """The correction."""
        return Correction(self.correction)

    @model_validator(mode="before")
    @classmethod
    def _gives_to_all(cls, content: Any) -> Any:
        """What the file says of all claims is said of each that does not say otherwise."""
        if not isinstance(content, dict) or not isinstance(content.get("claims"), list):
            return content
        common = {key: content[key] for key in _Common.model_fields if key in content}
        claims = [common | each if isinstance(each, dict) else each for each in content["claims"]]
        return {**content, "claims": claims}

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if not self.claims:
            raise ValueError("has no claims; write at least one below `claims`")
        if len(self.claims) > MOST:
            raise ValueError(f"has {len(self.claims)} claims, and {MOST} are the most; split it")
        for name, count in Counter(claim.name for claim in self.claims).items():
            if count > 1:
                raise ValueError(f"has two claims named '{name}'; give each its own name")
        if lacking := [claim.name for claim in self.claims if claim.over is None]:
            raise ValueError(f"does not say over what {lacking[0]} is; write `over: CAMPAIGN`")
        return self


def read_claims(path: Path) -> ClaimFile:
    """The claims of a YAML file, checked.

    Raises:
        ClaimsError: it is not there, is no YAML, or says something that can't be claimed.
    """
    try:
        content = parsed(read_text(path, _LIMIT, encoding="utf-8-sig"), path)
    except FileNotFoundError as error:
        raise ClaimsError(f"There is no file of claims at {path}: give the path of a YAML file.") from error
    except (ReadingError, SpecError) as error:
        raise ClaimsError(str(error)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ClaimsError(f"The claims in {path} can't be read ({error}): give a YAML file in UTF-8.") from error
    if not isinstance(content, dict):
        raise ClaimsError(f"{path} holds no mapping: a file of claims starts with name, over and claims.")
    try:
        found = ClaimFile.model_validate(content)
    except ValidationError as error:
        raise ClaimsError(f"{path}: {sentence(error, content)}") from error
    for place, claim in enumerate(found.claims):
        try:
            claim.made()
        except ValidationError as error:
            where = f"claims.{place} ({claim.name})"
            raise ClaimsError(f"{path}: {where}: {sentence(error, claim.options)}") from error
    return found
