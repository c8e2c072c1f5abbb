"""`dragoman prompts`: every prompt of a spec as the model will get it, before anything runs."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import Answer, printed
from dragoman.cli.plan import SpecArgument
from dragoman.errors import SpecError, nearest
from dragoman.pair import Pair
from dragoman.spec.loading import load_spec
from dragoman.tables.table import Column, Table, number, word


@grouped(Group.RUN)
@printed
def prompts(
    spec: SpecArgument,
    pair: Annotated[
        str | None, typer.Option(metavar="PAIR", help="The pair, such as de-fr; by default the first evaluated.")
    ] = None,
    grid: Annotated[str | None, typer.Option(metavar="NAME", help="Which grid of a sweep.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Sentences of each prompt.")] = 1,
    count: Annotated[int | None, typer.Option("--number", min=1, hidden=True)] = None,
) -> Answer:
    """Show the prompts of a spec for some sentences of a pair: the text the model gets, its tokens, and what is cut.

    Every prompt of the evaluation is shown with the models that are asked with it, and every finetuning's on its own
    examples of the pair, if it trains it. Nothing is written; of a model on the hub only the tokenizer is fetched.

    Examples: dragoman prompts examples/demo.yaml --pair de-fr -n 3 · dragoman prompts examples/demo.yaml --json
    """
    from dragoman.planning.planner import make_plan
    from dragoman_jobs.prompts.preview import (  # brings transformers, which a wrong spec need not wait for
        previews,
    )

    plan = make_plan(load_spec(spec, grid))
    chosen = plan.pairs[0] if pair is None else Pair.parse(pair)
    trained = {each for training in plan.trainings for each in training.pairs}
    if chosen not in {*plan.pairs, *trained}:
        known = map(str, sorted({*plan.pairs, *trained}))
        raise SpecError(
            f"The grid {plan.spec.name} neither evaluates nor trains {chosen}; {nearest(str(chosen), known)}"
        )
    found = list(previews(plan, chosen, count or limit))
    text = "\n".join(f"{each.heading}\n\n{each.seen}\n\n{each.facts}\n" for each in found)
    rows = [each.model_dump(mode="json") for each in found]
    as_list = json.dumps(rows, ensure_ascii=False, indent=2) + "\n"
    return Answer([_table(plan.spec.name, rows)], text, is_sentence_enough=True, json=as_list)


def _table(grid: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    """The previews, a row each."""
    return Table(
        "prompts",
        f"{grid}: prompts as the models get them",
        content=rows,
        stub=3,
        columns=[
            word("use"),
            word("prompt"),
            number("number", "no.", digits=0),
            Column("models", "models", lambda row: ", ".join(row["models"]), right=False),
            Column("pair", "pair", lambda row: str(Pair(*row["pair"])), right=False),
            word("text"),
            word("seen", "as tokens"),
            word("target"),
            number("tokens", digits=0),
            number("target_tokens", digits=0),
            number("limit", "room", digits=0),
            number("unknown", digits=0),
            word("problem"),
        ],
    )
