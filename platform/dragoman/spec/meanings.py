"""Descriptions of a spec's keys: the docstrings under the fields, for the reference and editors."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from typing import cast

from pydantic import BaseModel


def meanings(model: type[BaseModel]) -> dict[str, str]:
    """The meaning of each field of a model, those it inherits included."""
    return dict(_documented(model))


def _documented(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    for kind in reversed(model.__mro__):
        if not issubclass(kind, BaseModel) or kind.__module__.startswith("pydantic"):
            continue
        definition = cast(ast.ClassDef, ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0])
        for node, after in pairwise(definition.body):
            if (
                isinstance(node, ast.AnnAssign)
                and isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant)
            ):
                yield ast.unparse(node.target), " ".join(str(after.value.value).split())
