"""`dragoman plan`: what a spec would run, before it runs."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from dragoman.partition import Partition
from dragoman.plan import Plan, make_plan
from dragoman.spec.loading import load_spec

SpecArgument = Annotated[Path, typer.Argument(metavar="SPEC", help="A grid spec in YAML.", show_default=False)]


def plan(
    spec: SpecArgument,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Enumerate a grid: models, partitions, cells and missing data. Nothing is written.

    Example: dragoman plan examples/demo.yaml
    """
    planned = make_plan(load_spec(spec))
    summary = summarise(planned)
    if as_json:
        typer.echo(json.dumps(summary, indent=2, ensure_ascii=False))
        return
    console = Console()
    console.print(
        f"[bold]{summary['grid']}[/bold]: {len(planned.models)} models × {len(planned.pairs)} pairs = "
        f"{summary['cells']} cells, on {planned.test_set.corpus} {planned.test_set.split} ({planned.test_set.revision})"
    )
    table = Table(box=None, pad_edge=False)
    table.add_column("partition")
    for model in summary["models"]:
        table.add_column(model["name"], justify="right")
    for partition in Partition:
        table.add_row(partition, *(str(model["partitions"].get(partition, 0)) for model in summary["models"]))
    table.add_row("[dim]trained pairs[/dim]", *(f"[dim]{model['trained_pairs']}[/dim]" for model in summary["models"]))
    console.print(table)
    for line in missing_lines(planned):
        console.print(line, style="yellow")


def missing_lines(planned: Plan) -> list[str]:
    """A line for each pair that will be missing, from training or from the evaluation."""
    lines = [f"{training.identity.name} can't train {pair}: {why}"
             for training in planned.trainings for pair, why in sorted(training.missing.items())]  # fmt: skip
    return lines + [f"{pair} can't be evaluated: {why}" for pair, why in sorted(planned.missing.items())]


def summarise(planned: Plan) -> dict[str, Any]:
    """The plan as plain data."""
    return {
        "grid": planned.spec.name,
        "spec": planned.id,
        "models": [
            {
                "name": training.identity.name,
                "id": training.identity.id,
                "trained_pairs": len(training.pairs),
                "examples": len(training.pairs) * training.finetuning.examples,
                "partitions": {str(partition): count for partition, count in planned.partitions(training).items()},
            }
            for training in planned.trainings
        ],
        "pairs": [str(pair) for pair in planned.pairs],
        "cells": len(planned.models) * len(planned.pairs),
        "missing": missing_lines(planned),
        "test_set": planned.test_set.model_dump(mode="json"),
    }
