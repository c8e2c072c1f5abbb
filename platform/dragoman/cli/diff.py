"""`dragoman diff`: where the specs of two grids differ."""

from pathlib import Path
from typing import Annotated

import typer

from dragoman.cli.arguments import complete_grids, open_store
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import Answer, printed
from dragoman.spec.differences import differences
from dragoman.spec.grid import GridSpec
from dragoman.spec.loading import load_spec
from dragoman.tables.table import Table, word

GridOrSpec = typer.Argument(help="Name of a grid, or a spec in YAML.", autocompletion=complete_grids)


@grouped(Group.RESULTS)
@printed
def diff(
    a: Annotated[str, GridOrSpec],
    b: Annotated[str, GridOrSpec],
) -> Answer:
    """Show where two grids' specs differ, key by key; each is a grid of the store or a YAML file.

    Defaults count as if they were written. Ends with exit code 1 where they differ.

    Examples: dragoman diff demo demo-2 · dragoman diff demo examples/demo.yaml · dragoman diff demo demo-2 --json
    """
    found = differences(_spec(a), _spec(b))
    rows = [{"key": each.key, "a": each.a, "b": each.b} for each in found]
    table = Table("differences", f"specs of {a} and {b}", [word("key"), word("a", a), word("b", b)], rows)
    if not found:
        return Answer([table], f"The specs of {a} and {b} say the same.", is_sentence_enough=True)
    return Answer([table], code=1)


def _spec(name: str) -> GridSpec:
    """The spec of a grid in the store, or in a file where the name is of one."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        return load_spec(path)
    return GridSpec.from_store(open_store().grids.get(name).spec)
