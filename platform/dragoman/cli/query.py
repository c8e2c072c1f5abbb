"""`dragoman query`: scores of a grid, grouped and filtered by dimensions."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer

from dragoman.analysis.dimensions import Dimension
from dragoman.analysis.ranking import best_models
from dragoman.analysis.score_query import Selection
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import systems
from dragoman.analysis.test_sets import test_set_of
from dragoman.cli.arguments import (
    GridArgument,
    LinesOption,
    MetricOption,
    MicroOption,
    ModelsOption,
    PromptOption,
    SignatureOption,
    TestSetOption,
    complete_models,
    open_snapshot,
)
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import printed, until_printed
from dragoman.errors import StoreError
from dragoman.metrics.lookup import digits_of
from dragoman.reports.choices import asked_of, chosen_metric, chosen_models, weighing
from dragoman.reports.quoted import marked
from dragoman.store.store import Store
from dragoman.tables.table import Table, number, share, word


@grouped(Group.RESULTS)
@printed
def query(
    grid: GridArgument,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            metavar="DIMENSION[,DIMENSION]",
            help="Group by this; may be repeated, the order counts.",
            autocompletion=lambda: [dimension.value for dimension in Dimension],
        ),
    ] = None,
    model: ModelsOption = None,
    metric: MetricOption = None,
    prompt: PromptOption = None,
    test_set: TestSetOption = None,
    signature: SignatureOption = None,
    lines: LinesOption = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Compare with this model, on common pairs.", autocompletion=complete_models),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", metavar="DIMENSION=VALUE[,VALUE]", help="Only these cells; may be repeated."),
    ] = None,
    micro: MicroOption = False,
) -> Sequence[Table]:
    """Group a grid's scores: mean, median and number of cells, and the difference to another model.

    Dimensions: model, partition, source, target, source_script, target_script, source_family, target_family.
    Partitions are the seven, unseen and unknown. Scores are those of the grid's first prompt and test set, or of those
    named: neither are ever averaged. Tables: groups, best (the best model into each target, each pair alike).

    Examples: dragoman query demo --by partition --by target --against base ·
    dragoman query demo --by target_family --where partition=recombined,reversed --model roles ·
    dragoman query demo --by source --by target --test-set ntrex --csv · dragoman query demo --table best
    """
    store = until_printed(open_snapshot())
    metric = chosen_metric(store, grid, metric)
    models = chosen_models(store, grid, model)
    dimensions = [name for names in by or () for name in names.split(",")]
    question = ScoreQuestion(
        grid, metric, signature=signature, prompt=prompt, test_set=test_set, lines=lines, micro=micro
    )
    selection = Selection(store, question, tuple(models)).by(*dimensions).where(**_conditions(where or ()))
    selection = selection if against is None else selection.against(against)
    table = best(store, question)
    if micro:
        refusal = "The best model into each target is found with each pair alike: ask for it without --micro."
        table = replace(table, refusal=refusal)
    return [groups(selection), table]


def groups(selection: Selection) -> Table:
    """The groups of a selection, a row each."""
    question = selection.question
    facts = {"test_set": test_set_of(selection.store, question)}
    rows = [{**group.group, **group.model_dump(mode="json", exclude={"group"}), **facts} for group in selection]
    digits = digits_of(question.metric)
    keys = [name for name in (rows[0] if rows else {}) if name in set(Dimension)]
    columns = [
        *map(word, keys),
        share("cells", "done", "pairs"),
        number("mean", f"mean {question.metric}", digits),
        number("median", digits=digits),
    ]
    if selection.other is not None:
        columns += [
            number("other_mean", selection.other, digits),
            number("delta", digits=digits, sign=True),
            number("both", "common", digits=0),
            *(number(name, digits=0) for name in ("wins", "losses", "ties")),
        ]
    by = f" by {', '.join(keys).replace('_', ' ')}" if keys else ""
    title = f"{asked_of(selection.store, question)}: {question.metric}{by}, {weighing(question.micro)}"
    group = keys[0] if len(keys) > 1 else None
    table = Table(name="groups", title=title, columns=columns, content=rows, stub=len(keys), group=group)
    if Dimension.MODEL not in keys:
        return table
    shown = {row[Dimension.MODEL] for row in rows}
    return marked(table, [each for each in systems(selection.store, question.grid) if each.model in shown])


def best(store: Store, question: ScoreQuestion) -> Table:
    """The best model into each target language."""
    return Table(
        name="best",
        detail=True,
        title=f"{asked_of(store, question)}: best model into each target by mean {question.metric}, each pair alike",
        content=lambda: [
            {**row.model_dump(mode="json"), "test_set": test_set_of(store, question)}
            for row in best_models(store, question)
        ],
        columns=[
            word("target"),
            word("model"),
            number("mean", digits=digits_of(question.metric)),
            share("pairs", "done", "pairs"),
        ],
    )


def _conditions(texts: Sequence[str]) -> dict[str, list[str]]:
    conditions: dict[str, list[str]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals or not values:
            raise StoreError(f"--where {text} can't be read: write DIMENSION=VALUE, as in --where target=de,fr.")
        conditions.setdefault(Dimension.named(name).value, []).extend(values.split(","))
    return conditions
