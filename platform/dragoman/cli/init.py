"""`dragoman init`: a spec to start from."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from dragoman.cli.groups import Group, grouped
from dragoman.errors import SpecError
from dragoman.terminal import say


@grouped(Group.RUN)
def init(
    path: Annotated[Path, typer.Argument(metavar="SPEC", help="The file to write.")] = Path("grid.yaml"),
) -> None:
    """Write a commented spec to start from: it runs as it is once its base model is there. Nothing is overwritten.

    Examples: dragoman init · dragoman init european.yaml
    """
    text = files("dragoman.spec").joinpath("start.yaml").read_text(encoding="utf-8")
    name = path.stem if path.stem.replace("-", "").replace("_", "").isalnum() and path.stem.isascii() else "grid"
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text.replace("name: grid", f"name: {name}", 1))
    except FileExistsError as error:
        raise SpecError(f"{path} is there already and stays as it is: give another name.") from error
    except OSError as error:
        raise SpecError(f"{path} can't be written ({error.strerror}): give a place that is there.") from error
    say(f"{path} is written. Look at what it would do with: dragoman plan {path}")
