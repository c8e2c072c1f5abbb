"""Tables of a plan: models, languages, text, contamination, cells and cost."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dragoman import plugins
from dragoman.cell import CellState
from dragoman.corpora.base import Corpus
from dragoman.language import english_name
from dragoman.partition import Partition
from dragoman.planning.baselines import PlannedBaseline
from dragoman.planning.candidates import candidates_plan, why_on_test
from dragoman.planning.cost import Cost, Estimate
from dragoman.planning.manifest import Tell
from dragoman.planning.plan import Plan, PlannedTraining
from dragoman.reports.planned_test_sets import columns_of, of_test_set
from dragoman.script import scripts_of
from dragoman.spec.sentences import described
from dragoman.store.jobs.measured_rates import cell_states
from dragoman.store.store import Store
from dragoman.tables.table import Row, Table, number, word

MEGABYTE = 1_000_000
"""Bytes."""


def models(planned: Plan) -> Table:
    """The finetunings, with how many evaluation pairs fall to each partition."""
    speaks = any(training.finetuning.monolingual for training in planned.trainings)
    rows = [
        {
            "model": training.identity.name,
            "id": training.identity.id,
            "method": training.finetuning.method.kind,
            "seed": training.seed,
            "counts": "as designed" if design else "with the text there is",
            "trained_pairs": len(graph.pairs),
            "examples": sum(graph.examples.values()),
            **({"monolingual": _monolingual_examples(training, design)} if speaks else {}),
            **{partition.value: planned.partitions(training, design).get(partition, 0) for partition in Partition},
        }
        for training in planned.trainings
        for design, graph in ((True, training.design), (False, training.graph))
        if design or training.graph.pairs != training.design.pairs
    ]
    count, pairs = len(planned.models), len(planned.pairs)
    cells = len(planned.asked) * sum(len(test_set.pairs) for test_set in planned.test_sets)
    prompts = f"{len(planned.prompts)} prompts" if len(planned.prompts) > 1 else "1 prompt"
    tests = [each.test_set for each in planned.test_sets]
    several = f"{len(tests)} test sets, " if len(tests) > 1 else ""
    return Table(
        name="models",
        title=f"{planned.spec.name}: {count} models, {prompts}, {several}{pairs} pairs: {cells} cells",
        columns=[
            word("model"), word("method"), number("seed", digits=0), word("counts"), number("trained_pairs", digits=0),
            number("examples", digits=0),
            *([number("monolingual", digits=0)] if speaks else []),
            *(number(partition.value, partition.value, digits=0) for partition in Partition),
        ],
        content=rows,
        notes=[
            *(
                f"Tested on {test.corpus} {test.split}, {described(test.sentences)} a pair ({test.revision})."
                for test in tests[:1]
                if not several
            ),
            *dict.fromkeys(sentence for test in tests for sentence in licence(test.corpus)),
            *candidates(planned),
        ],
    )  # fmt: skip


def _monolingual_examples(training: PlannedTraining, design: bool) -> int:
    """Monolingual examples of a finetuning: as many as asked for, or as were drawn."""
    if training.text and not design:
        return sum(each.examples for each in training.text.monolingual.values())
    languages = [*training.monolingual, *(training.wordless if design else ())]
    return training.finetuning.examples_of_each_language * len(languages)


def licence(corpus: str) -> list[str]:
    """The licence of a kind of corpus that is one data set, as a sentence; none where the kind doesn't tell."""
    kind: type[Corpus] = plugins.load("corpora", corpus)
    return [f"The licence of {corpus}: {kind.licence}."] if kind.licence else []


def candidates(planned: Plan) -> list[str]:
    """On what the candidate for promotion is chosen, as sentences; none where there is nothing to choose."""
    policy = planned.spec.promotion
    if policy is None or len(planned.trainings) < 2:
        return []
    if why := why_on_test(planned):
        return [f"The candidate for {policy.alias} is chosen on the test set, which flatters it: {why}."]
    chosen = candidates_plan(planned)
    if chosen is None:
        return []
    count = len(chosen.pairs) * len(chosen.models)
    return [
        f"The candidate for {policy.alias} is chosen on dev: {count} more cells of {policy.candidates.sentences} "
        f"sentences, in the grid {chosen.spec.name}."
    ]


def languages(planned: Plan) -> Table:
    """The languages that are written in several scripts, and the script that was assumed."""
    rows = [
        {
            "language": tag,
            "name": english_name(tag),
            "bare": tag.partition("-")[0],
            "bare_means": f"{tag.partition('-')[0]}-{scripts[0]}",
            "others": [f"{tag.partition('-')[0]}-{script}" for script in scripts if not tag.endswith(f"-{script}")],
        }
        for tag in planned.spec.languages
        if (scripts := scripts_of(tag))
    ]
    return Table(
        name="languages",
        title="Languages of several scripts",
        columns=[word("language"), word("name"), word("bare", "a bare"), word("bare_means", "is taken for")],
        content=rows,
        notes=[f"Write the script to mean another: {', '.join(other for row in rows for other in row['others'])}."],
    )


def text(planned: Plan) -> Table:
    """What was drawn for every training pair and every language of monolingual examples, and what was left out."""
    drawn = [
        (training.identity.name, str(part), of_part)
        for training in planned.trainings
        if training.text
        for part, of_part in (*training.text.pairs.items(), *training.text.monolingual.items())
    ]
    reasons = sorted({reason for _, _, of_pair in drawn for reason in of_pair.removed})
    rows = [
        {
            "model": model, "pair": pair, "read": of_pair.read, "examples": of_pair.examples,
            "pivot": of_pair.pivot, **{reason: of_pair.removed.get(reason, 0) for reason in reasons},
        }
        for model, pair, of_pair in drawn
    ]  # fmt: skip
    return Table(
        name="text",
        title="Training text: segments read, drawn, and left out",
        columns=[
            word("model"), word("pair"), number("read", digits=0), number("examples", digits=0), word("pivot"),
            *(number(reason, digits=0) for reason in reasons),
        ],
        content=rows,
        group="model",
        stub=2,
    )  # fmt: skip


"""What the table says becomes of sentences without room."""


def missing(planned: Plan) -> Table:
    """The grid's pairs that there is no text for, in training corpora (in the spec or not) and in the test set."""
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for training in planned.trainings:
        for pair, reason in {**training.absent, **training.missing}.items():
            row: dict[str, Any] = {
                "text": "training",
                "test_set": None,
                "pair": str(pair),
                "asked_by": [],
                "answer": "not asked for",
                "reason": reason,
            }
            known = rows.setdefault((training.corpus.model_dump_json(), str(pair), reason), row)
            if pair in training.missing or pair in training.pairs:
                known["asked_by"].append(training.identity.name)
                known["answer"] = f"made through {training.pivot}" if pair in training.pairs else "dropped"
    for training in planned.trainings:
        for tag, reason in training.wordless.items():
            row = {"text": "training", "test_set": None, "pair": tag, "asked_by": [], "answer": "dropped",
                   "reason": reason}  # fmt: skip
            rows.setdefault((training.corpus.model_dump_json(), tag, reason), row)["asked_by"].append(
                training.identity.name
            )
    test = {"text": "test", "asked_by": ["evaluation"], "answer": "dropped"}
    tested: list[Row] = [
        {**test, **of_test_set(each), "pair": str(pair), "reason": reason}
        for each in planned.test_sets
        for pair, reason in sorted(each.missing.items())
    ]
    tested += [
        {**test, "test_set": None, "pair": str(pair), "reason": reason}
        for prompt in planned.prompts
        for pair, reason in sorted(planned.undemonstrated.get(prompt.id, {}).items())
    ]
    return Table(
        name="missing",
        title="Missing text",
        columns=[word("text"), *columns_of(planned), word("pair"), word("answer"), word("reason")],
        content=[*rows.values(), *tested],
    )


def contamination(planned: Plan) -> Table:
    """The test sentences that are in training text, for each pair and side where there are any."""
    from dragoman.planning.training_data import too_contaminated  # brings numpy

    looked = [
        (training, each, found)
        for training in planned.trainings
        if training.text
        for each in planned.test_sets
        for found in training.text.found_of(each.tested)
    ]
    rows = [
        {
            "model": training.identity.name, **of_test_set(each), "pair": str(found.pair), "side": found.side,
            "language": found.language,
            "sentences": found.sentences, "exact": found.exact, "near": found.near, "percent": 100 * found.rate,
        }
        for training, each, found in looked
        if found.rate
    ]  # fmt: skip
    clean = sum(not found.rate for _, _, found in looked)
    return Table(
        name="contamination",
        title=f"Test sentences in training text ({clean} of {len(looked)} sides have none)",
        columns=[
            word("model"), *columns_of(planned), word("pair"), word("side"), word("language"),
            number("sentences", digits=0), number("exact", digits=0), number("near", digits=0), number("percent", "%"),
        ],
        content=rows,
        notes=[f"`dragoman run` will refuse this. {sentence}" for sentence in too_contaminated(planned)],
        group="model",
        stub=2 + len(columns_of(planned)),
    )  # fmt: skip


def from_files(planned: Plan) -> Table:
    """The systems whose translations are in files, all of which were held against the test set."""

    def lacking(each: PlannedBaseline) -> Iterable[tuple[str | None, str | None]]:
        """The pairs that a system has no translations of, with the reason; one row without any where it has all."""
        return [(str(pair), reason) for pair, reason in sorted(each.missing.items())] or [(None, None)]

    rows = [
        {
            "system": each.identity.name, "id": each.identity.id, "pairs": len(each.contents),
            "trained_on": each.graph.evidence.value, "pair": pair, "reason": reason,
        }
        for each in planned.from_files.values()
        for pair, reason in lacking(each)
    ]  # fmt: skip
    return Table(
        name="from_files",
        title="Translations from files",
        columns=[
            word("system"), number("pairs", digits=0), word("trained_on", "training graph"), word("pair", "lacks"),
            word("reason"),
        ],
        content=rows,
        notes=["They are neither asked nor decoded, only scored."],
        group="system",
    )  # fmt: skip


def cells(planned: Plan, store: Store | None) -> Table:
    """How many cells of each model and prompt are done, missing, failed, and still to do."""
    known = cell_states(store, [model.id for model in planned.models]) if store else {}
    counts: dict[tuple[str, str, str], Counter[CellState]] = {}
    for cell in planned.cells() if known else ():
        state = known.get(cell.id, CellState.PLANNED)
        counts.setdefault((cell.model, cell.prompt, cell.test_set), Counter())[state] += 1
    rows = []
    for (model, prompt), test_set in product(planned.asked, planned.test_sets):
        files = planned.from_elsewhere.get(model.id)
        lacking = sum(planned.why_missing(model.id, prompt.id, test_set, pair) is not None for pair in test_set.pairs)
        done = counts.get((model.id, prompt.id, test_set.id), Counter())
        finished = sum(done[state] for state in CellState if state.has_scores)
        rows.append({
            "model": model.name, "prompt": None if files else prompt.label, **of_test_set(test_set),
            "cells": len(test_set.pairs), "missing": lacking, "done": finished, "failed": done[CellState.FAILED],
            "to_do": len(test_set.pairs) - lacking - finished,
        })  # fmt: skip
    return Table(
        name="cells",
        title="Cells",
        columns=[
            word("model"), word("prompt"), *columns_of(planned), number("cells", digits=0),
            number("missing", digits=0),
            number("done", digits=0), number("failed", digits=0), number("to_do", digits=0),
        ],
        content=rows,
        notes=[] if store else ["There is no results store yet: nothing is done."],
    )  # fmt: skip


def cost(planned: Plan, estimated: Estimate, manifest: Path) -> Table:
    """Tokens of every model, and the hours and megabytes they took before."""
    rows = [_cost_row(each) for each in estimated.costs]
    keys = ("train_tokens", "decode_tokens", "train_hours", "decode_hours", "disk_megabytes")
    total: dict[str, Any] = {"model": "total", "text_tokens": None, "passes": None}
    for key in keys:
        values = [row[key] for row in rows if row["text_tokens"] is not None or not key.startswith("train")]
        total[key] = None if not values or any(value is None for value in values) else sum(values)
    return Table(
        name="cost",
        title="Cost, if nothing were done yet",
        columns=[
            word("model"), number("text_tokens", digits=0), number("passes"), number("train_tokens", digits=0),
            number("decode_tokens", digits=0), number("train_hours", digits=2), number("decode_hours", digits=2),
            number("disk_megabytes", "disk MB"),
        ],
        content=[*rows, total],
        notes=[*estimated.basis, "An hour is one of a GPU, or of a core where there is none.", f"Manifest: {manifest}"],
    )  # fmt: skip


def _cost_row(cost: Cost) -> Mapping[str, Any]:
    return {
        "model": cost.model.name, "text_tokens": cost.text_tokens, "passes": cost.passes,
        "train_tokens": cost.train_tokens, "decode_tokens": cost.decode_tokens, "train_hours": cost.train_hours,
        "decode_hours": cost.decode_hours, "disk_megabytes": None if cost.disk is None else cost.disk / MEGABYTE,
    }  # fmt: skip


@contextmanager
def reading_text(planned: Plan, quiet: bool = False) -> Iterator[Tell]:
    """A bar over the finetunings whose text is read, shown on a terminal as long as that goes on."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True, quiet=quiet)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal or quiet) as progress:
        bar = progress.add_task("training text", total=len(planned.trainings))
        places = {training.identity.id: place for place, training in enumerate(planned.trainings)}

        def tell(training: PlannedTraining) -> None:
            name = training.identity.name
            progress.update(bar, description=f"training text of {name}", completed=places[training.identity.id])

        yield tell
