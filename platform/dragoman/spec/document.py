"""A spec's file as YAML: read, and nothing in it said twice."""

from pathlib import Path
from typing import Any

import yaml

from dragoman.errors import SpecError


def read_document(path: Path) -> dict[str, Any]:
    """What stands in a spec's file, unchecked.

    Raises:
        SpecError: the file is not there, is no YAML, is no mapping, or says a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise SpecError(f"There is no spec at {path}: give the path of a YAML file.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"The spec {path} can't be read ({error}): give a YAML file in UTF-8.") from error
    try:
        content = yaml.load(text, _Loader)  # noqa: S506  # a SafeLoader
    except _SaidTwiceError as error:
        raise SpecError(f"{path}{_where(error)}: {error.problem}.") from error
    except (yaml.YAMLError, ValueError) as error:  # a date such as 2020-13-45 is a ValueError
        problem = getattr(error, "problem", None) or "it does not parse"
        raise SpecError(f"{path}{_where(error)} is not YAML: {problem}. Mend the line.") from error
    except RecursionError as error:
        raise SpecError(f"{path} is nested too deeply to be a spec: start from `dragoman init`.") from error
    if not isinstance(content, dict):
        raise SpecError(f"{path} holds no mapping: a spec starts with keys such as name, base and languages.")
    return content


class _SaidTwiceError(yaml.MarkedYAMLError):
    """A key stands twice in one mapping: YAML forbids it, and PyYAML would silently take the last."""


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """A mapping as it is written: before merges (<<), which may well bring what it says again."""
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        lines: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            name = (key.tag, str(key.value))
            if isinstance(key, yaml.ScalarNode) and name in lines:
                problem = f"the key '{key.value}' is there already, in line {lines[name]}: remove one of the two"
                raise _SaidTwiceError(problem=problem, problem_mark=key.start_mark)
            lines[name] = key.start_mark.line + 1
        return node


def _where(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f", line {mark.line + 1}" if mark else ""
