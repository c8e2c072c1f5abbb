"""Reading a spec file: every mistake in it becomes one sentence."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from dragoman.errors import SpecError
from dragoman.spec.grid import GridSpec


def load_spec(path: Path) -> GridSpec:
    """The spec in a YAML file, checked.

    A base model given as a relative path is looked for beside the spec first, then from the current folder.

    Raises:
        SpecError: the file is not there, is no YAML, or says something a grid can't be made of.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise SpecError(f"There is no spec at {path}: give the path of a YAML file.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"The spec {path} can't be read ({error}): give a YAML file in UTF-8.") from error
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it does not parse"
        raise SpecError(f"{path}{where} is not YAML: {problem}. Mend the line.") from error
    if not isinstance(content, dict):
        raise SpecError(f"{path} holds no mapping: a spec starts with keys such as name, base and languages.")
    try:
        spec = GridSpec.model_validate(content)
    except ValidationError as error:
        raise SpecError(f"{path}: {sentence(error, content)}") from error
    beside = path.parent / spec.base.model
    if beside.is_dir():
        return spec.model_copy(update={"base": spec.base.model_copy(update={"model": str(beside.resolve())})})
    return spec


def sentence(error: ValidationError, content: Any) -> str:
    """The first mistake of a failed validation as one sentence: the key's path, its value, and the remedy."""
    first = error.errors()[0]
    # a union's branch ("full") and pydantic's function names are places in the schema, not in the file
    path = _path_in(content, first["loc"])
    place = ".".join(str(step) for step in path) or "the spec"
    message = str(first["msg"]).removeprefix("Value error, ").rstrip(".")
    more = f" ({error.error_count() - 1} more after this.)" if error.error_count() > 1 else ""
    match first["type"]:
        case "missing":
            missing = first["loc"][-1]
            return f"{place} lacks the key '{missing}': add it.{more}"
        case "value_error":
            value = first["input"]
            named = isinstance(value, dict) or repr(value) in message
            shown = "" if named or not path else f" ({_short(value)})"
            if repr(value) in message:
                place += ":"
            return f"{place}{shown} {message}{'' if message.endswith('?') else '.'}{more}"
        case "union_tag_invalid" | "literal_error" | "enum":
            expected = first.get("ctx", {}).get("expected") or first.get("ctx", {}).get("expected_tags") or message
            value = first["input"]
            if isinstance(value, dict):
                place, value = f"{place}.kind", value.get("kind")
            return f"{place} is {_short(value)}: use one of {expected}.{more}"
        case "union_tag_not_found":
            return f"{place} lacks the key 'kind': add it.{more}"
    message = message.replace("valid tuple", "list")  # a spec's author writes YAML, not Python
    return f"{place} is {_short(first['input'])}: {message[:1].lower()}{message[1:]}.{more}"


def _path_in(content: Any, location: tuple[int | str, ...]) -> list[int | str]:
    path: list[int | str] = []
    for step in location:
        if not isinstance(content, dict | list):
            break
        place: Any = content
        try:
            content = place[step]
        except (KeyError, IndexError, TypeError):
            continue
        path.append(step)
    return path


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
