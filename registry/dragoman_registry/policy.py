"""Where a policy comes from: the grid's own spec, or a file of its own."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from dragoman.spec.loading import sentence
from dragoman.spec.promotion import Promotion
from dragoman.store.records import GridRecord
from dragoman_registry.evidence import PolicyError


def policy_for(grid: GridRecord, file: Path | None = None, name: str | None = None) -> Promotion:
    """The policy in a file, or else the one in the grid's spec.

    Args:
        grid: the grid that is judged.
        file: YAML with the keys of a spec's `promotion`; `model` may be left out.
        name: the registered model it is about; by default the grid's, or whatever the file says.

    Raises:
        PolicyError: there is none, or it is malformed, or about another registered model.
    """
    own = grid.spec.get("promotion")
    if file is None and own is None:
        raise PolicyError(
            f"The spec of '{grid.name}' has no promotion policy: add `promotion` to it and run it again, "
            "or give a policy with --policy FILE."
        )
    default = name or (own or {}).get("model") or grid.name
    policy = Promotion.model_validate(own) if file is None else _load(file, default)
    if name is not None and policy.model != name:
        raise PolicyError(f"The policy is about '{policy.model}', not about '{name}': give the one meant for '{name}'.")
    return policy


def _load(file: Path, model: str) -> Promotion:
    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = str(error).splitlines()[0]
        raise PolicyError(f"The policy {file} can't be read ({reason}): give a YAML file.") from error
    if not isinstance(content, dict):
        raise PolicyError(f"{file} holds no policy: it has keys such as rules and coverage.")
    content = {"model": model, **content}
    try:
        return Promotion.model_validate(content)
    except ValidationError as error:
        raise PolicyError(f"{file}: {sentence(error, content)}") from error
