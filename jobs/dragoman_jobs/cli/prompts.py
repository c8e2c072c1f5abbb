"""`dragoman prompts`: every prompt of a spec as the model will get it, before anything runs."""

import json
from collections.abc import Iterator
from typing import Annotated

import typer

from dragoman.cli.plan import SpecArgument
from dragoman.errors import SpecError, nearest
from dragoman.pair import Pair
from dragoman.spec.loading import load_spec


def prompts(
    spec: SpecArgument,
    pair: Annotated[
        str | None, typer.Option(metavar="PAIR", help="The pair, such as de-fr; by default the first evaluated.")
    ] = None,
    grid: Annotated[str | None, typer.Option(metavar="NAME", help="Which grid of a sweep.")] = None,
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="Sentences of each prompt.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: one object for each prompt shown.")] = False,
) -> None:
    """Show the prompts of a spec for some sentences of a pair: the text the model gets, its tokens, and what is cut.

    Every prompt of the evaluation is shown with the models that are asked with it, and every finetuning's on its own
    examples of the pair, if it trains it. Nothing is written; of a model on the hub only the tokenizer is fetched.

    Examples: dragoman prompts examples/demo.yaml --pair de-fr -n 3 · dragoman prompts examples/demo.yaml --json
    """
    from dragoman.planning.plan import make_plan
    from dragoman_jobs.prompts.preview import (  # brings transformers, which a wrong spec need not wait for
        Preview,
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
    found: Iterator[Preview] = previews(plan, chosen, number)
    if as_json:
        typer.echo(json.dumps([each.model_dump(mode="json") for each in found], ensure_ascii=False, indent=2))
        return
    for each in found:
        typer.echo(f"{each.heading}\n\n{each.seen}\n\n{each.facts}\n")
