"""`dragoman plan`: what a spec would run, before it runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dragoman.cli.tables import Table, number, printed, word
from dragoman.partition import Partition
from dragoman.plan import Plan, make_plan
from dragoman.spec.loading import load_spec

SpecArgument = Annotated[Path, typer.Argument(metavar="SPEC", help="A grid spec in YAML.", show_default=False)]


@printed
def plan(spec: SpecArgument) -> Sequence[Table]:
    """Enumerate a grid: models, partitions, cells and missing data. Nothing is written.

    Example: dragoman plan examples/demo.yaml
    """
    planned = make_plan(load_spec(spec))
    return [models(planned), missing(planned)]


def models(planned: Plan) -> Table:
    """The finetunings, with how many evaluation pairs fall to each partition."""
    rows = [
        {
            "model": training.identity.name,
            "id": training.identity.id,
            "method": training.finetuning.method.kind,
            "trained_pairs": len(training.pairs),
            "examples": len(training.pairs) * training.finetuning.examples,
            **{partition.value: planned.partitions(training).get(partition, 0) for partition in Partition},
        }
        for training in planned.trainings
    ]
    cells = len(planned.models) * len(planned.pairs)
    test = planned.test_set
    return Table(
        name="models",
        title=f"{planned.spec.name}: {len(planned.models)} models × {len(planned.pairs)} pairs = {cells} cells",
        columns=[
            word("model"), word("method"), number("trained_pairs", digits=0), number("examples", digits=0),
            *(number(partition.value, partition.value, digits=0) for partition in Partition),
        ],
        content=rows,
        notes=[f"Tested on {test.corpus} {test.split}, {test.sentences or 'all'} sentences a pair ({test.revision})."],
    )  # fmt: skip


def missing(planned: Plan) -> Table:
    """The pairs that no text was found for, in training or in the evaluation."""
    rows = [
        {"what": f"train {training.identity.name}", "pair": str(pair), "reason": reason}
        for training in planned.trainings
        for pair, reason in sorted(training.missing.items())
    ]
    rows += [{"what": "evaluate", "pair": str(pair), "reason": why} for pair, why in sorted(planned.missing.items())]
    return Table(
        name="missing", title="Missing text", columns=[word("what"), word("pair"), word("reason")], content=rows
    )
