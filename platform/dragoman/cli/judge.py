"""`dragoman judge`: campaigns for people who judge translations, their judgements, and what follows from them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dragoman.analysis.systems import metric_names
from dragoman.cli.arguments import GridArgument, MetricOption, TestSetOption, complete_models, open_snapshot, open_store
from dragoman.cli.groups import Group
from dragoman.cli.output import Answer, printed, until_printed
from dragoman.errors import StoreError
from dragoman.judgement.base import JudgementError
from dragoman.judgement.campaign import Campaign
from dragoman.judgement.campaign import campaign as make_campaign
from dragoman.judgement.formats import appraise, esa, mqm, pearmut
from dragoman.judgement.importing import Format, exported, import_judgements
from dragoman.judgement.metrics import metric_agreement
from dragoman.judgement.raters import rater_agreement
from dragoman.judgement.scores import human_scores
from dragoman.judgement.selection import Choice, Method
from dragoman.judgement.selection import choose as choose_sentences
from dragoman.judgement.texts import GridTexts, PairTexts, chosen_systems
from dragoman.metrics.lookup import sentence_metric
from dragoman.metrics.resampling import SEED
from dragoman.rating import Protocol
from dragoman.reports import judgements as report
from dragoman.store.store import Store
from dragoman.tables.table import Table
from dragoman.terminal import say

judge = typer.Typer(
    rich_help_panel=Group.RESULTS,
    help="Have people judge translations, and compare systems and metrics by what they say.",
    no_args_is_help=True,
)

PairOption = Annotated[
    str | None, typer.Option("--pair", metavar="PAIR", help="The pair, such as en-de; needed where there are several.")
]
PairsOption = Annotated[
    list[str] | None, typer.Option("--pair", metavar="PAIR", help="Only this pair; may be repeated.")
]
ItemsOption = Annotated[int, typer.Option("--items", min=1, help="Sentences to choose, at most; whole documents.")]
MethodOption = Annotated[
    Method,
    typer.Option(
        "--by",
        help="metric-variance: where a metric's scores differ most between systems; diversity: where translations are "
        "most unlike; random: a sample of the test set.",
    ),
]
SystemsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--system", metavar="SYSTEM", help="Only this system; may be repeated.", autocompletion=complete_models
    ),
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Seed of samples, ties and shuffles.")]
FormatOption = Annotated[Format, typer.Option("--format", help="The format of the file.")]


@judge.command("choose")
@printed
def choose(
    grid: GridArgument,
    pair: PairOption = None,
    test_set: TestSetOption = None,
    items: ItemsOption = 100,
    by: MethodOption = Method.RANDOM,
    metric: MetricOption = None,
    system: SystemsOption = None,
    seed: SeedOption = SEED,
) -> Sequence[Table]:
    """Choose the sentences of a pair that are worth reading, whole documents where these are known.

    The same arguments choose the same sentences, here and for `dragoman judge campaign`. Means over sentences that were
    chosen because systems differ there are not means of the test set. Table: sentences.

    Examples: dragoman judge choose demo --pair en-de --items 100 --by diversity ·
    dragoman judge choose demo --pair en-de --by metric-variance --metric chrf++ --json
    """
    store = until_printed(open_snapshot())
    texts, _, choice = _chosen(store, grid, pair, test_set, items, by, metric, system, seed)
    return [report.chosen(grid, texts, choice, [None if system else texts.left_out])]


@judge.command("campaign")
def campaign(
    grid: GridArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write, such as campaign.json.")],
    form: FormatOption = Format.PEARMUT,
    pair: PairOption = None,
    test_set: TestSetOption = None,
    items: ItemsOption = 100,
    by: MethodOption = Method.RANDOM,
    metric: MetricOption = None,
    system: SystemsOption = None,
    protocol: Annotated[
        Protocol | None, typer.Option(help="What raters are asked for; by default esa, and in a table of MQM mqm.")
    ] = None,
    raters: Annotated[int, typer.Option(min=1, help="How many raters there are.")] = 2,
    each: Annotated[int, typer.Option(min=1, help="How many of them judge each document.")] = 1,
    assignment: Annotated[
        pearmut.Assignment, typer.Option(help="Of Pearmut: documents of their own for each rater, or one pool.")
    ] = pearmut.Assignment.TASKS,
    seed: SeedOption = SEED,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is there.")] = False,
) -> None:
    """Write a campaign for raters: the chosen sentences as each system translates them, under names that tell nothing.

    The key to the names stays in the store, and `dragoman judge import` knows it. The same arguments write the same
    campaign. For Appraise, its manifest is written beside the batches.

    Examples: dragoman judge campaign demo campaign.json --pair en-de --items 100 --raters 3 --each 2 ·
    dragoman judge campaign demo batches.json --pair en-de --format appraise --protocol mqm ·
    dragoman judge campaign demo to-fill-in.tsv --pair en-de --format mqm --by diversity
    """
    store = open_store()
    texts, systems, choice = _chosen(store, grid, pair, test_set, items, by, metric, system, seed)
    asked = protocol or (Protocol.MQM if form is Format.MQM else Protocol.ESA)
    made = make_campaign(texts, systems, choice, protocol=asked, raters=raters, each=each, seed=seed)
    contents = {file: _written(made, form, assignment)}
    if form is Format.APPRAISE:
        contents[file.with_suffix(".manifest.json")] = json.dumps(appraise.manifest(made), indent=1) + "\n"
    if there := [path for path in contents if path.exists() and not overwrite]:
        raise StoreError(f"{there[0]} is there already: choose another name, or replace it with --overwrite.")
    store.judgements.add_campaign(made.record)
    for path, content in contents.items():
        _write(path, content)
    tasks = sum(len(task.texts) for _, task in made.items())
    say(
        f"{made.record.id}: {len(choice.lines)} sentences in {len(choice.documents)} documents, {len(systems)} "
        f"systems, {tasks} translations for {raters} raters, in {' and '.join(map(str, contents))}.",
        err=True,
    )
    for said in (choice.warning, None if system else texts.left_out):
        if said:
            say(said, err=True)


@judge.command("import")
@printed
def import_(
    grid: GridArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File of an annotation tool, or a table.")],
    form: FormatOption,
    pair: PairOption = None,
    test_set: TestSetOption = None,
    campaign: Annotated[
        str | None,
        typer.Option(metavar="ID", help="The campaign that it is of, where the file has its names without saying so."),
    ] = None,
    protocol: Annotated[
        Protocol | None, typer.Option(help="What raters were asked for, where neither file nor campaign says.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace judgements by the same rater that say something else.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every line, and write nothing.")] = False,
) -> Answer:
    """Read what raters said of a grid's translations: all of a file, or nothing where a line is not of these texts.

    The same again changes nothing. Formats: pearmut (downloaded annotations), appraise (what ExportSystemScoresToCSV
    prints), mqm (the tab-separated table), esa (JSON lines). Table: judgements.

    Examples: dragoman judge import demo annotations.json --format pearmut ·
    dragoman judge import demo mqm.tsv --format mqm --pair en-de --dry-run
    """
    found = import_judgements(
        open_store(),
        grid,
        file,
        form,
        pair=pair,
        test_set=test_set,
        campaign=campaign,
        protocol=protocol,
        replace=replace,
        dry_run=dry_run,
    )
    new, same, replaced = found.recorded
    said = [f"{len(found.found)} judgements in {file}"]
    if dry_run:
        said.append("they fit; nothing was written")
    else:
        said += [f"{new} new", *([f"{same} known"] if same else []), *([f"{replaced} replaced"] if replaced else [])]
    said += [f"{count} left out ({what})" for what, count in sorted(found.left_out.items())]
    return Answer([report.imported(grid, found)], f"{'; '.join(said)}.")


@judge.command("export")
def export(
    grid: GridArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write, such as mqm.tsv.")],
    form: FormatOption = Format.MQM,
    pair: PairOption = None,
    test_set: TestSetOption = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is there.")] = False,
) -> None:
    """Write the judgements of a pair as a table, mqm or esa, with every score and error.

    Examples: dragoman judge export demo mqm.tsv --pair en-de · dragoman judge export demo esa.jsonl --format esa
    """
    if file.exists() and not overwrite:
        raise StoreError(f"{file} is there already: choose another name, or replace it with --overwrite.")
    text = exported(open_store(), grid, form, pair=pair, test_set=test_set)
    _write(file, text)
    say(f"{grid}: {text.count(chr(10))} lines in {file}.", err=True)


@judge.command("results")
@printed
def results(
    grid: GridArgument, pair: PairsOption = None, test_set: TestSetOption = None, seed: SeedOption = SEED
) -> Answer:
    """Compare the systems of a grid by what people say of them, with bootstrap intervals. Table: scores.

    A grid of several test sets has a table for each: --test-set names another than the first.

    Examples: dragoman judge results demo · dragoman judge results demo --pair en-de --latex ·
    dragoman judge results demo --test-set ntrex
    """
    texts = GridTexts(until_printed(open_snapshot()), grid, test_set)
    return _judged(
        texts, report.results(texts, human_scores(texts, [texts.pair(each) for each in pair or ()], seed=seed))
    )


@judge.command("agreement")
@printed
def agreement(grid: GridArgument, pair: PairsOption = None, test_set: TestSetOption = None) -> Answer:
    """Say how far raters agree: Krippendorff's alpha, correlations, errors marked in one place. Table: agreement.

    Examples: dragoman judge agreement demo · dragoman judge agreement demo --pair en-de --json
    """
    texts = GridTexts(until_printed(open_snapshot()), grid, test_set)
    return _judged(texts, report.agreement(texts, rater_agreement(texts, [texts.pair(each) for each in pair or ()])))


@judge.command("metrics")
@printed
def metrics(
    grid: GridArgument,
    pair: PairsOption = None,
    test_set: TestSetOption = None,
    metric: Annotated[
        list[str] | None, typer.Option("--metric", metavar="METRIC", help="Only this metric; may be repeated.")
    ] = None,
    z: Annotated[bool, typer.Option("--z", help="Take people's values on each rater's own scale.")] = False,
) -> Answer:
    """Say how each metric agrees with people: soft pairwise accuracy of systems, calibrated accuracy of translations.

    On the sentences that were judged of every system. Table: metrics.

    Examples: dragoman judge metrics demo · dragoman judge metrics demo --pair en-de --metric bleu --z
    """
    texts = GridTexts(until_printed(open_snapshot()), grid, test_set)
    pairs = [texts.pair(each) for each in pair or ()]
    return _judged(texts, report.metrics(texts, metric_agreement(texts, pairs, metrics=metric or (), by_rater=z)))


def _judged(texts: GridTexts, table: Table) -> Answer:
    """A table; where it has no rows, with the test sets that have judgements."""
    elsewhere = [] if table.rows else texts.judged_elsewhere
    return Answer([table], f"Nothing on {texts.test_set}, but on {', '.join(elsewhere)}." if elsewhere else None)


def _chosen(
    store: Store, grid: str, pair: str | None, test_set: str | None, items: int, by: Method, metric: str | None,
    systems: Sequence[str] | None, seed: int,
) -> tuple[PairTexts, list[str], Choice]:  # fmt: skip
    grid_texts = GridTexts(store, grid, test_set)
    texts = grid_texts.of(grid_texts.pair(pair))
    names = chosen_systems(texts, systems or ())
    if metric is None and by is Method.METRIC_VARIANCE:
        metric = sentence_metric(metric_names(store, grid))
    return texts, names, choose_sentences(texts, names, method=by, items=items, metric=metric, seed=seed)


def _written(made: Campaign, form: Format, assignment: pearmut.Assignment) -> str:
    if form is Format.PEARMUT:
        return pearmut.write_campaign(made, assignment)
    writers = {Format.APPRAISE: appraise.write_campaign, Format.MQM: mqm.write_campaign, Format.ESA: esa.write_campaign}
    return writers[form](made)


def _write(path: Path, content: str) -> None:
    try:
        path.write_text(content, encoding="utf-8", newline="\n")
    except OSError as error:
        raise JudgementError(f"{path} can't be written ({error.strerror}): give another place.") from error
