"""The commands of the registry: gate, promote, rollback, history, champions, translate and audit."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dragoman.analysis.pair_scores import BASE
from dragoman.cli.arguments import ModelsOption, complete_grids, complete_languages, open_snapshot, open_store
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import Answer, printed, until_printed
from dragoman.errors import DragomanError, nearest
from dragoman.line import MARK, half_character, lines_of
from dragoman.model import is_from_elsewhere
from dragoman.pair import Pair
from dragoman.reading import read_bytes, read_stream
from dragoman.reports.choices import chosen_models
from dragoman.settings import settings
from dragoman.store.records import GridRecord
from dragoman.tables.table import Table
from dragoman.terminal import write_exact
from dragoman_registry.audit.cli import audit
from dragoman_registry.audit.log import AuditLog, Outcome
from dragoman_registry.gate import evidence
from dragoman_registry.gate.looks import looks_notes
from dragoman_registry.gate.policy import load_policy, policy_for
from dragoman_registry.packaging.translation import translate_lines
from dragoman_registry.promotion.champions import done_without_dragoman, standing_champions
from dragoman_registry.promotion.gated_aliases import gated_aliases
from dragoman_registry.promotion.promotion import Promotions
from dragoman_registry.promotion.remote import promoter
from dragoman_registry.promotion.requests import UNSET, PromotionRequest
from dragoman_registry.registry_client.client import speaking
from dragoman_registry.registry_client.versions import (
    VersionError,
    aliases_of,
    find_version,
    registered,
    registered_names,
    resolve,
    split,
    version_at,
    versions_of,
    which_alias,
)
from dragoman_registry.tables import champions_table, gate_table, trail_table


def complete_names(incomplete: str) -> list[str]:
    """Names of registered models, and after `@` their aliases and versions, for the shell."""
    uri = settings().mlflow_url
    name, at, _ = incomplete.partition("@")
    try:
        with speaking(uri):
            known = registered_names(uri)
            if not at:
                return [each for each in known if each.startswith(incomplete)]
            found = (
                [*aliases_of(uri, name), *(each.version for each in versions_of(uri, name))] if name in known else []
            )
    except DragomanError:
        return []
    return [f"{name}@{which}" for which in found if f"{name}@{which}".startswith(incomplete)]


def complete_runs(incomplete: str) -> list[str]:
    """Names of grids and of registered versions for the shell."""
    return [*complete_grids(incomplete), *complete_names(incomplete)]


def complete_aliases(incomplete: str) -> list[str]:
    """Aliases of all registered models for the shell."""
    uri = settings().mlflow_url
    try:
        with speaking(uri):
            found = {alias for model in registered(uri) for alias in model.aliases}
    except DragomanError:
        return []
    return sorted(alias for alias in found if alias.startswith(incomplete))


NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME[@VERSION]",
        help="Name of a registered model; with the number of a version or an alias, only that.",
        autocompletion=complete_names,
    ),
]
PolicyOption = Annotated[
    Path | None,
    typer.Option("--policy", metavar="FILE", help="Policy in YAML; by default the one in the grid's spec."),
]
AliasOption = Annotated[
    str | None,
    typer.Option(
        "--alias",
        metavar="ALIAS",
        help="The alias; by default the one the policy names.",
        autocompletion=complete_aliases,
    ),
]
SignaturesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--signature",
        metavar="[METRIC=]TEXT",
        help="For a metric scored under several signatures (the policy's, or METRIC): text of the one to look at.",
    ),
]


@grouped(Group.REGISTRY)
@printed
def gate(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="Name of a grid, or one version: NAME@VERSION.", autocompletion=complete_runs
        ),
    ],
    model: ModelsOption = None,
    policy: PolicyOption = None,
    alias: AliasOption = None,
    signature: SignaturesOption = None,
) -> Answer:
    """Check the models of a grid, or a registered version, against a promotion policy, and explain every rule.

    Nothing is moved. Ends with exit code 1 if a model fails.

    Examples: dragoman gate demo · dragoman gate demo --model roles --policy strict.yaml ·
    dragoman gate demo-translator@2 --alias challenger
    """
    uri = settings().mlflow_url
    with open_snapshot() as store:
        if "@" not in run:
            store.grids.get(run)  # a wrong name is said before MLflow is imported
        with speaking(uri):
            version = resolve(uri, run) if "@" in run else None
            grid = store.grids.get(run) if version is None else Promotions(store, uri).grid_of(version)
            name = version.name if version else None
            given = None if policy is None else load_policy(policy, name or _registered_as(grid))
            rules = policy_for(grid, alias, given, name, _by_metric(signature))
            if version is None:
                files = {each.name for each in store.models.of_grid(grid.name) if is_from_elsewhere(each.recipe)}
                names = [name for name in chosen_models(store, grid.name, model) if model or name not in {BASE, *files}]
            else:
                names = [grid.names[version.model or ""]]
            is_registered = rules.model in registered_names(uri)
            incumbent = version_at(uri, rules.model, rules.alias) if is_registered else None
        reports = [evidence.gate(store, grid, name, rules, incumbent) for name in names]
        looked = looks_notes(AuditLog(store.database), reports)
    table = gate_table(reports, [*(report.reason for report in reports), *looked], with_reasons=False)
    return Answer([table], code=0 if all(report.passed for report in reports) else 1)


@grouped(Group.REGISTRY)
@printed
def promote(
    version: Annotated[
        str,
        typer.Argument(
            metavar="NAME@VERSION", help="The version: its number, or an alias.", autocompletion=complete_names
        ),
    ],
    alias: AliasOption = None,
    policy: PolicyOption = None,
    signature: SignaturesOption = None,
    replacing: Annotated[
        str | None,
        typer.Option(
            "--replacing",
            metavar="VERSION",
            help="Only if the alias has this version now, or none.",
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Promote against the gate's verdict; recorded for ever, needs --reason and the right to."
        ),
    ] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")] = "",
) -> Answer:
    """Move an alias to a version, if the version passes the gate; the decision is recorded either way.

    Ends with exit code 1 if it is refused.

    Examples: dragoman promote demo-translator@2 --alias champion ·
    dragoman promote demo-translator@3 --force --reason "the old one can't be served any more"
    """
    promotions = promoter(settings(), open_store)
    with speaking(promotions.uri):
        chosen = resolve(promotions.uri, version)
        given = None if policy is None else load_policy(policy, chosen.name)
        decision = promotions.ask(
            PromotionRequest(
                name=chosen.name,
                version=chosen.version,
                alias=alias,
                policy=given,
                signatures=_by_metric(signature),
                replacing=_number(replacing),
                force=force,
                reason=reason,
            )
        )
    return Answer(
        [gate_table([decision.report], with_reasons=False)], decision.sentence, code=0 if decision.stands else 1
    )


@grouped(Group.REGISTRY)
@printed
def rollback(
    name: NameArgument,
    alias: Annotated[
        str | None,
        typer.Option(
            "--alias",
            metavar="ALIAS",
            help="The alias; by default that of NAME@ALIAS, else champion.",
            autocompletion=complete_aliases,
        ),
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")] = "rolled back by hand",
) -> Answer:
    """Move an alias back to the version that was promoted before; with NAME@NUMBER, only if it stands at that version.

    Examples: dragoman rollback demo-translator@champion --reason "mistranslates numbers" ·
    dragoman rollback demo-translator --alias challenger
    """
    promotions = promoter(settings(), open_store)
    with speaking(promotions.uri):
        model, which = split(name)
        asked = which_alias(promotions.uri, model, which, alias)
        record = promotions.rollback(model, asked, reason)
    told = f"{model}@{asked} stands at version {record.to_version} again, in place of version {record.from_version}."
    return Answer([trail_table([record])], told, is_sentence_enough=True)


@grouped(Group.REGISTRY)
@printed
def history(
    name: NameArgument,
    alias: Annotated[
        str | None,
        typer.Option("--alias", metavar="ALIAS", help="Only this alias.", autocompletion=complete_aliases),
    ] = None,
) -> Sequence[Table]:
    """Show who moved the aliases of a model, or was refused to: when, why, and what was done without Dragoman.

    Examples: dragoman history demo-translator · dragoman history demo-translator@champion ·
    dragoman history demo-translator@3
    """
    uri = settings().mlflow_url
    model, which = split(name)
    version = which if which and which.isdecimal() else None
    alias = alias if version else which or alias
    with speaking(uri):
        Promotions(open_store(), uri).mend(model)
    promotions = Promotions(until_printed(open_snapshot()), uri)
    with speaking(uri):
        if version:
            find_version(promotions.uri, model, version)
        notes = done_without_dragoman(promotions, model, alias)
        gated = gated_aliases(promotions.store, model) | set(aliases_of(promotions.uri, model))
    found = promotions.log.records(model, alias)
    if alias and not found and alias not in gated:
        raise VersionError(f"No alias '{alias}' of {model} was ever moved; {nearest(alias, gated)}")
    records = [
        record
        for record in found
        if record.outcome is not Outcome.BEGUN and version in (None, record.from_version, record.to_version)
    ]
    return [trail_table(records, notes)]


@grouped(Group.REGISTRY)
@printed
def champions() -> Sequence[Table]:
    """Show the version of every alias of every registered model, since when and by whom.

    Examples: dragoman champions
    """
    promotions = Promotions(open_store(), settings().mlflow_url)
    with speaking(promotions.uri):
        rows = standing_champions(promotions)
        notes = [note for name in registered_names(promotions.uri) for note in done_without_dragoman(promotions, name)]
    return [champions_table(rows, notes)]


@audit.command("export")
@printed
def export() -> Sequence[Table]:
    """Print every record, evidence and hashes included in JSON and CSV.

    Examples: dragoman audit export --json
    """
    return [trail_table(AuditLog(open_store().database).records())]


@grouped(Group.REGISTRY)
def translate(
    model: Annotated[
        str,
        typer.Option(
            "--model", metavar="NAME@VERSION", help="Number or alias of a version.", autocompletion=complete_names
        ),
    ],
    source: Annotated[
        str,
        typer.Option("--from", metavar="LANGUAGE", help="Language of the text.", autocompletion=complete_languages),
    ],
    target: Annotated[
        str,
        typer.Option("--to", metavar="LANGUAGE", help="Language to translate to.", autocompletion=complete_languages),
    ],
    text: Annotated[
        str | None, typer.Argument(metavar="[TEXT]", help="What to translate; by default each line of standard input.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", help="Translate each line of this file.")] = None,
) -> None:
    """Translate with a registered model, line by line.

    Examples: dragoman translate --model demo-translator@champion --from en --to de "in 12 minutes" ·
    dragoman translate --model demo-translator@3 --from en --to de < lines.txt
    """
    pair = Pair.of(source, target)
    uri = settings().mlflow_url
    with speaking(uri):
        version = resolve(uri, model)
    for line in translate_lines(uri, version, pair, _lines(text, file)):
        write_exact(f"{line}\n")


def _by_metric(signatures: Sequence[str] | None) -> dict[str, str]:
    return {metric: text for metric, _, text in (option.rpartition("=") for option in signatures or ())}


def _registered_as(grid: GridRecord) -> str:
    """What a grid's models are registered as, where a policy does not say."""
    return str((grid.spec.get("promotion") or {}).get("model") or grid.name)


def _number(replacing: str | None) -> str | None:
    if replacing is not None and replacing != UNSET and not replacing.isdecimal():
        raise VersionError(f"--replacing {replacing} is no version: give its number, or '{UNSET}'.")
    return replacing


def _lines(text: str | None, file: Path | None) -> list[str]:
    if text is not None and file is not None:
        raise DragomanError("A text and --file were both given: give one of them.")
    if text is not None:
        if half := half_character(text):
            raise DragomanError(f"The text holds what is no character in UTF-8 ({half}): mend it.")
        return lines_of(text)
    place = "Standard input" if file is None else str(file)
    try:
        # as bytes: a text file would take a lone carriage return for a line break
        data = read_stream(sys.stdin.buffer, place) if file is None else read_bytes(file)
    except OSError as error:
        raise DragomanError(f"{place} can't be read ({error}): give a text file in UTF-8.") from error
    try:
        return [line.removeprefix(MARK) for line in lines_of(data.decode())]
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        raise DragomanError(f"{place}, line {number}, is not UTF-8 text: convert it.") from error
