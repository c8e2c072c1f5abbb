"""`dragoman run`: one command from a spec to scores and a promoted model."""

import sys
from typing import Annotated

import typer
from rich.console import Console

from dragoman import plugins
from dragoman.cli.plan import SpecArgument, missing
from dragoman.cli.tables import Form, render
from dragoman.plan import make_plan
from dragoman.settings import settings
from dragoman.spec.loading import load_spec


def run(
    spec: SpecArgument,
    workers: Annotated[
        int, typer.Option(min=0, help="CPU cores Ray may use; 0 is all of them.", show_default=False)
    ] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no tables.")] = False,
) -> None:
    """Run a grid on an embedded Ray: finetune, translate, score, log to MLflow, promote.

    Closing the terminal loses nothing: the same command again does only what is missing.

    Example: dragoman run examples/demo.yaml
    """
    plan = make_plan(load_spec(spec))
    # Brings torch: a wrong spec, and every other command, need not wait for it.
    from dragoman_jobs.grid import run_grid

    console = Console(quiet=quiet)
    if missing(plan).rows:
        console.print(render([missing(plan)], Form.TEXT), highlight=False, markup=False)
    complete = run_grid(plan, settings(), console, workers or settings().workers)
    if "ui" in plugins.available("commands"):
        console.print(f"\nOpen the pages in a browser with: {sys.argv[0]} ui", highlight=False, markup=False)
    if not complete:
        raise typer.Exit(1)
