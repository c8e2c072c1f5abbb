"""YAML loader of specs: without YAML 1.1's implicit types, and refusing duplicate keys."""

import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from dragoman.errors import SpecError
from dragoman.line import half_character
from dragoman.reading import ReadingError, over_limit, read_text
from dragoman.settings import settings

LIMIT = "limit_spec_bytes"
"""The setting that bounds a spec's size."""

LARGEST_NUMBER = 2**63 - 1
"""The largest whole number: databases keep no larger ones."""


def read_document(path: Path) -> dict[str, Any]:
    """What stands in a spec's file, unchecked.

    Raises:
        SpecError: the file is not there, is no YAML, is no mapping, or says a key twice.
    """
    try:
        text = read_text(path, LIMIT, encoding="utf-8-sig")
    except ReadingError as error:
        raise SpecError(str(error)) from error
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
        SpecError: it is no YAML, says a key twice, or is larger or deeper than what is read.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506  # a SafeLoader
    except ReadingError as error:
        raise SpecError(f"{path}{error}") from error
    except _RefusedError as error:
        raise SpecError(f"{path}{_where(error)}: {error.problem}.") from error
    except (yaml.YAMLError, ValueError) as error:  # a number of too many digits is a ValueError
        problem = getattr(error, "problem", None) or "it does not parse"
        raise SpecError(f"{path}{_where(error)} is not YAML: {problem}. Mend the line.") from error


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

_LONG = 100
"""Characters of a number that is too large, however it is written."""

_KEPT = {"tag:yaml.org,2002:bool", "tag:yaml.org,2002:null", _MERGE}
"""What PyYAML resolves itself."""


class _Size(NamedTuple):
    """How large a part is with every alias in it written out."""

    values: int
    characters: int


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice, text without UTF-8, numbers that are other ones in YAML 1.2, and what is large.

    Aliases are counted as what they stand for, as a document is composed: that is what is made of them, by merges too,
    and one of a few lines may stand for more than any memory holds.
    """

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._limits = settings()
        self._depth = 0
        self._values = self._characters = 0
        self._sizes: dict[yaml.Node | None, _Size] = {}

    def compose_node(self, parent: Any, index: Any) -> yaml.Node | None:
        """A value or an alias of one; nodes are known by what they are, not by what they hold."""
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        before = _Size(self._values, self._characters)
        if self.check_event(yaml.AliasEvent):
            node = super().compose_node(parent, index)
            if node not in self._sizes:
                raise _RefusedError(
                    problem="an alias stands within what it stands for: write it out", problem_mark=mark
                )
            self._grow(*self._sizes[node], mark.line)
            return node
        self._depth += 1
        if self._depth > self._limits.limit_depth:
            raise over_limit(f", line {mark.line + 1}: it is nested too deeply", "limit_depth", "write fewer levels")
        node = super().compose_node(parent, index)
        self._depth -= 1
        self._grow(1, len(node.value) if isinstance(node, yaml.ScalarNode) else 0, mark.line)
        self._sizes[node] = _Size(self._values - before.values, self._characters - before.characters)
        return node

    def _grow(self, values: int, characters: int, line: int) -> None:
        self._values += values
        self._characters += characters
        if self._values > self._limits.limit_spec_values:
            what = f", line {line + 1}: it holds too many values, aliases written out"
            raise over_limit(what, "limit_spec_values", "write fewer")
        if self._characters > self._limits.limit_spec_bytes:
            what = f", line {line + 1}: it holds too much text, aliases written out"
            raise over_limit(what, LIMIT, "write less")

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

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """A whole number that databases can keep."""
        number = super().construct_yaml_int(node) if len(node.value) < _LONG else LARGEST_NUMBER + 1
        if abs(number) > LARGEST_NUMBER:
            raise _RefusedError(
                problem=f"a number of {len(node.value)} characters is there, and {LARGEST_NUMBER:,} is the largest: "
                "correct it, or put it in quotes if it is a word",
                problem_mark=node.start_mark,
            )
        return number

    def construct_other_base(self, node: yaml.ScalarNode) -> int:
        """A number that begins with a zero, where YAML 1.1 (octal) and YAML 1.2 (decimal) read the same."""
        digits = node.value.replace("_", "")
        if len(digits) >= _LONG:
            return self.construct_yaml_int(node)
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
_Loader.add_constructor(_INT, _Loader.construct_yaml_int)


def _where(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f", line {mark.line + 1}" if mark else ""
