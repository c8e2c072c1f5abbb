"""`dragoman add-scores`: scores that are quoted from a source, as a system of a grid."""

from typing import Annotated, Any

import typer

from dragoman.cli.arguments import GridArgument, complete_metrics, complete_test_sets, open_store
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import Answer, printed
from dragoman.cli.system_arguments import NameArgument, TrainedOnOption, columns_of, training_of
from dragoman.planning.quoted_systems import AddedScores, add_scores, baseline_with_scores
from dragoman.reports.scores import score, score_interval
from dragoman.settings import settings
from dragoman.tables.table import Table, number, word
from dragoman.tracking.added_systems import tell_mlflow


@grouped(Group.RESULTS)
@printed
def add(
    grid: GridArgument,
    name: NameArgument,
    path: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="A table (.csv, .tsv, .jsonl, .parquet): a row a score, a row a pair with a column a metric, or a "
            "matrix of sources down and targets across; a path or a URL.",
        ),
    ],
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="FORMAT", help="tsv, csv, jsonl or parquet; by default told by the ending."),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="PART=COLUMN",
            help="A column, by name or number from 0: pair, or source and target; value, metric, low, high, sentences; "
            "or a metric's name; may be repeated.",
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="METRIC",
            help="The metric, where no column says; where there are several, only this one is read.",
            autocompletion=complete_metrics,
        ),
    ] = None,
    cite: Annotated[
        str | None,
        typer.Option(metavar="SOURCE", help="The source, as tables cite it; by default the file's name."),
    ] = None,
    signature: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="What the source says of how they were computed: sacreBLEU's signature, or 'sacrebleu 13a'.",
        ),
    ] = None,
    scale: Annotated[
        int | None,
        typer.Option(
            metavar="1|100", help="What values are multiplied by: 100 where they are fractions of a percentage."
        ),
    ] = None,
    test_set: Annotated[
        str | None,
        typer.Option(
            "--test-set",
            metavar="NAME",
            help="The test set that they are scores on, of a grid that has several; the first by default.",
            autocompletion=complete_test_sets,
        ),
    ] = None,
    skip_other_pairs: Annotated[
        bool, typer.Option("--skip-other-pairs", help="Pass over pairs that the grid does not have.")
    ] = False,
    trained_on: TrainedOnOption = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in the place of quoted scores of that name that are others.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every row, and write nothing.")] = False,
) -> Answer:
    """Add scores from a paper's table or a leaderboard to a grid, as a system without translations.

    They stand beside computed scores with a mark, and are never tested, ranked, gated or averaged with them. A row that
    can't be a score of the grid is refused with its line, and nothing is written; the same again changes nothing.

    Examples: dragoman add-scores demo nllb-54b table5.csv --cite 'NLLB team 2022, table 5' --signature 'sacrebleu 13a'
    · dragoman add-scores demo leader board.tsv --metric chrf++ --scale 100 --skip-other-pairs ·
    dragoman add-scores demo paper rows.jsonl --column pair=lp --column value=score --column metric=name --dry-run
    """
    given: dict[str, Any] = {
        "path": path, "format": form, "columns": columns_of(column or ()), "metric": metric, "cite": cite,
        "signature": signature, "scale": scale, "test_set": test_set, "skip_other_pairs": skip_other_pairs,
    }  # fmt: skip
    baseline = baseline_with_scores(name, given, training_of(trained_on or []))
    store = open_store()
    added = add_scores(store, grid, baseline, replace=replace, dry_run=dry_run)
    said = [_sentence(grid, name, added, dry_run)]
    if not dry_run:
        said.append(tell_mlflow(settings().mlflow_url, store, grid, added.read.identity.id) or "")
    return Answer([_table(grid, name, added)], " ".join(filter(None, said)))


def _table(grid: str, name: str, added: AddedScores) -> Table:
    read = added.read
    rows = [
        {
            "model": name, "id": read.identity.id, "pair": str(each.pair), "metric": each.metric, "value": each.value,
            "low": each.low, "high": each.high, "sentences": each.sentences, "signature": read.signature,
        }
        for each in read.table.scores
    ]  # fmt: skip
    columns = [word("pair"), word("metric"), score("value")]
    columns += [score_interval("low", "high", "interval")] if any(row["low"] is not None for row in rows) else []
    columns += [number("sentences", digits=0)] if any(row["sentences"] is not None for row in rows) else []
    notes = [f"They are quoted, under the signature {read.signature}."]
    return Table(name="scores", title=f"{grid}: scores of {name}", content=rows, columns=columns, notes=notes)


def _sentence(grid: str, name: str, added: AddedScores, dry_run: bool) -> str:
    scores = added.read.table.scores
    metrics = ", ".join(dict.fromkeys(each.metric for each in scores))
    pairs = len({each.pair for each in scores})
    counted = f"{len(scores):,} quoted scores ({metrics}) of {pairs} of {len(added.pairs)} pairs"
    if dry_run:
        return f"{name}: {counted} fit {grid}; nothing was written."
    what = "are there already in" if not added.is_new else "take the place of others in" if added.replaced else "are in"
    return f"{name}: {counted} {what} {grid} ({added.read.identity.id}). `dragoman results {grid}` shows them."
