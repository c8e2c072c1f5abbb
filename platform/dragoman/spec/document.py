"""YAML loader of specs: without YAML 1.1's implicit types, and refusing duplicate keys."""

import re
from pathlib import Path
from typing import Any

import yaml

from dragoman.errors import SpecError
from dragoman.line import half_character


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
    content = parsed(text, path)
    if not isinstance(content, dict):
        raise SpecError(f"{path} holds no mapping: a spec starts with keys such as name, base and languages.")
    return content


def parsed(text: str, path: Path) -> Any:
    """What a text of YAML says.

    It is read as PyYAML does, but for what YAML 1.1 takes for something else than YAML 1.2 (https://yaml.org/spec/1.2.2,
    section 10.3): dates and `1:30` are words, and numbers such as `010` and `0b11` are refused. The words that YAML 1.1
    takes for truth values still are; what is made of them refuses one where a word or a number stands.

    Args:
        text: the text.
        path: its file, for errors.

    Raises:
        SpecError: it is no YAML, or says a key twice.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506  # a SafeLoader
    except _RefusedError as error:
        raise SpecError(f"{path}{_where(error)}: {error.problem}.") from error
    except (yaml.YAMLError, ValueError) as error:  # a number of too many digits is a ValueError
        problem = getattr(error, "problem", None) or "it does not parse"
        raise SpecError(f"{path}{_where(error)} is not YAML: {problem}. Mend the line.") from error
    except RecursionError as error:
        raise SpecError(f"{path} is nested too deeply: write it with fewer levels.") from error


class _RefusedError(yaml.MarkedYAMLError):
    """What PyYAML would read, and not as it was meant."""


_MERGE = "tag:yaml.org,2002:merge"
_INT = "tag:yaml.org,2002:int"
_OTHER_BASE = "tag:dragoman,2026:number"

_RESOLVED: dict[str, tuple[str, str]] = {
    _OTHER_BASE: (r"[-+]?0(?:[0-7_]+|b[01_]+)", "-+0"),
    _INT: (r"[-+]?(?:0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)", "-+0123456789"),
    "tag:yaml.org,2002:float": (
        r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|[-+]?\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
}
"""How numbers are written, and what they begin with. `1e-4`, a number in YAML 1.2 alone, stays the word that names of
grids are made of: what takes a number takes it for one."""

_KEPT = {"tag:yaml.org,2002:bool", "tag:yaml.org,2002:null", _MERGE}
"""What PyYAML resolves itself."""


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice, text without UTF-8, and numbers that are other ones in YAML 1.2."""

    yaml_implicit_resolvers = {  # noqa: RUF012  # as it is declared there
        first: [(tag, pattern) for tag, pattern in resolvers if tag in _KEPT]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_scalar_node(self, anchor: Any) -> yaml.ScalarNode:
        """A value; a character that JSON writes as the two halves of a surrogate pair is one character."""
        node: yaml.ScalarNode = super().compose_scalar_node(anchor)
        if half := half_character(node.value):
            try:
                node.value = node.value.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
            except UnicodeDecodeError as error:
                problem = f"it holds half a character ({half})"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark) from error
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """A mapping as it is written: before merges (<<), which may well bring what it says again."""
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        lines: dict[Any, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            name = _MERGE if key.tag == _MERGE else self.construct_object(key)
            if name in lines:
                problem = f"the key '{key.value}' is there already, in line {lines[name]}: remove one of the two"
                raise _RefusedError(problem=problem, problem_mark=key.start_mark)
            lines[name] = key.start_mark.line + 1
        return node

    def construct_other_base(self, node: yaml.ScalarNode) -> int:
        """A number that begins with a zero, where YAML 1.1 (octal) and YAML 1.2 (decimal) read the same."""
        digits = node.value.replace("_", "")
        binary = "b" in digits
        there = int(digits, 2 if binary else 8)
        if not binary and int(digits) == there:
            return there
        raise _RefusedError(
            problem=f"{node.value} is {there} in YAML 1.1 and {'a word' if binary else int(digits)} in YAML 1.2: write "
            f"the number that is meant{'' if binary else ' without the zero before it'}, or put it in quotes",
            problem_mark=node.start_mark,
        )


for _tag, (_pattern, _first) in _RESOLVED.items():
    _Loader.add_implicit_resolver(_tag, re.compile(rf"(?:{_pattern})\Z"), list(_first))
_Loader.add_constructor(_OTHER_BASE, _Loader.construct_other_base)


def _where(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f", line {mark.line + 1}" if mark else ""
