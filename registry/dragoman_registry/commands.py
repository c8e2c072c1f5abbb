"""The commands of the registry: gate, promote, rollback, history, champions, audit and translate."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dragoman.cli.arguments import GridArgument, ModelsOption, chosen_models, open_store
from dragoman.cli.tables import Form, Row, Table, printed, render
from dragoman.errors import DragomanError
from dragoman.pair import Pair
from dragoman.settings import settings
from dragoman.store.queries import BASE
from dragoman_registry import evidence
from dragoman_registry.audit import AuditLog, Outcome
from dragoman_registry.history import faults, strays
from dragoman_registry.policy import policy_for
from dragoman_registry.promotion import Promotions
from dragoman_registry.tables import champions_table, gate_table, trail_table
from dragoman_registry.translation import translate_lines
from dragoman_registry.versions import (
    RegisteredVersion,
    aliases_of,
    find_version,
    registered_names,
    version_at,
    versions_of,
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of a registered model.")]
PolicyOption = Annotated[
    Path | None,
    typer.Option("--policy", metavar="FILE", help="Policy in YAML; by default the one in the grid's spec."),
]
AliasOption = Annotated[
    str | None, typer.Option("--alias", metavar="ALIAS", help="The alias; by default the one the policy names.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV.")]


class VersionError(DragomanError):
    """Text that names no registered version."""


def gate(
    grid: GridArgument,
    model: ModelsOption = None,
    policy: PolicyOption = None,
    alias: AliasOption = None,
    json: JsonOption = False,
    csv: CsvOption = False,
) -> None:
    """Hold a promotion policy to the models of a grid and explain every rule; nothing is moved.

    Ends with exit code 1 if a model fails.

    Examples: dragoman gate demo · dragoman gate demo --model roles --policy strict.yaml
    """
    store = open_store()
    record = store.grid(grid)
    rules = policy_for(record, policy)
    names = [name for name in chosen_models(store, grid, model) if model or name != BASE]
    uri = settings().mlflow_url
    incumbent = version_at(uri, rules.model, alias or rules.alias) if rules.model in registered_names(uri) else None
    reports = [evidence.gate(store, record, name, rules, incumbent) for name in names]
    table = gate_table(reports, [report.reason for report in reports])
    sys.stdout.write(render([table], _form(json, csv)))
    raise typer.Exit(0 if all(report.passed for report in reports) else 1)


def promote(
    version: Annotated[str, typer.Argument(metavar="NAME@VERSION", help="The version: its number, or an alias.")],
    alias: AliasOption = None,
    policy: PolicyOption = None,
    json: JsonOption = False,
    csv: CsvOption = False,
) -> None:
    """Move an alias to a version, if the version passes the gate; the decision is recorded either way.

    Ends with exit code 1 if it is refused.

    Example: dragoman promote demo-translator@2 --alias champion
    """
    promotions = _promotions()
    chosen = resolve(promotions.uri, version)
    rules = policy_for(promotions.grid_of(chosen), policy, chosen.name)
    decision = promotions.promote(chosen, rules, alias or rules.alias)
    sys.stdout.write(render([gate_table([decision.report])], _form(json, csv)))
    typer.echo(decision.sentence, err=json or csv)
    raise typer.Exit(0 if decision.report.passed else 1)


def rollback(
    name: NameArgument,
    alias: Annotated[str, typer.Option("--alias", metavar="ALIAS", help="The alias.")] = "champion",
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")] = "rolled back by hand",
) -> None:
    """Move an alias back to the version that was promoted before.

    Example: dragoman rollback demo-translator --reason "mistranslates numbers"
    """
    record = _promotions().rollback(name, alias, reason)
    typer.echo(
        f"{name}@{alias} stands at version {record.to_version} again, in place of version {record.from_version}."
    )


@printed
def history(
    name: NameArgument,
    alias: Annotated[str | None, typer.Option("--alias", metavar="ALIAS", help="Only this alias.")] = None,
) -> Sequence[Table]:
    """Show who moved the aliases of a model, or was refused to: when, why, and what was moved without Dragoman.

    Example: dragoman history demo-translator
    """
    promotions = _promotions()
    promotions.mend(name)
    notes = [
        sentence for stray, sentence in strays(promotions.log, promotions.uri, name).items() if alias in (None, stray)
    ]
    records = [record for record in promotions.log.records(name, alias) if record.outcome is not Outcome.BEGUN]
    return [trail_table(records, notes)]


@printed
def champions() -> Sequence[Table]:
    """Show where every alias of every registered model stands, since when and by whom.

    Example: dragoman champions
    """
    promotions = _promotions()
    rows: list[Row] = []
    notes: list[str] = []
    for name in registered_names(promotions.uri):
        promotions.mend(name)
        versions = {version.version: version for version in versions_of(promotions.uri, name)}
        notes += strays(promotions.log, promotions.uri, name).values()
        for alias, number in sorted(aliases_of(promotions.uri, name).items()):
            done = [record for record in promotions.log.records(name, alias) if record.outcome is Outcome.DONE]
            last = done[-1] if done and done[-1].to_version == number else None
            stands = versions.get(number, RegisteredVersion(name=name, version=number))
            rows.append(
                {
                    "name": name,
                    "alias": alias,
                    "version": number,
                    "model_name": stands.model_name,
                    "grid": stands.grid,
                    "model": stands.model,
                    "since": last.at.isoformat() if last else None,
                    "actor": last.actor if last else None,
                }
            )
    return [champions_table(rows, notes)]


audit = typer.Typer(help="The trail of every promotion, refusal and rollback.", no_args_is_help=True)


@audit.command("verify")
def verify() -> None:
    """Check that no record of the trail was altered, replaced or taken away.

    Ends with exit code 1 if one was.
    """
    log = AuditLog(open_store().database)
    found = faults(log, settings().mlflow_url)
    for sentence in found:
        typer.echo(sentence)
    if not found:
        typer.echo(f"The audit trail is whole: {len(log.records())} records.")
    raise typer.Exit(1 if found else 0)


@audit.command("export")
@printed
def export() -> Sequence[Table]:
    """Print every record, evidence and hashes included in JSON and CSV.

    Example: dragoman audit export --json
    """
    return [trail_table(AuditLog(open_store().database).records())]


def translate(
    model: Annotated[str, typer.Option("--model", metavar="NAME@VERSION", help="Number or alias of a version.")],
    source: Annotated[str, typer.Option("--from", metavar="LANGUAGE", help="Language of the text.")],
    target: Annotated[str, typer.Option("--to", metavar="LANGUAGE", help="Language to translate to.")],
    text: Annotated[
        str | None, typer.Argument(metavar="[TEXT]", help="What to translate; by default each line of standard input.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", help="Translate each line of this file.")] = None,
) -> None:
    """Translate with a registered model, line by line.

    Examples: dragoman translate --model demo-translator@champion --from en --to de "two hours" ·
    dragoman translate --model demo-translator@3 --from en --to de < lines.txt
    """
    pair = Pair.of(source, target)
    uri = settings().mlflow_url
    version = resolve(uri, model)
    for line in translate_lines(uri, version, pair, _lines(text, file)):
        typer.echo(line)


def resolve(uri: str, reference: str) -> RegisteredVersion:
    """The version written as ``NAME@3`` or ``NAME@champion``.

    Raises:
        VersionError: it is not written so, or the alias is not set.
        ModelError: there is no such model or version.
    """
    name, _, which = reference.rpartition("@")
    if not name or not which:
        raise VersionError(f"'{reference}' names no version: write NAME@NUMBER or NAME@ALIAS, such as {reference}@1.")
    if which.isdecimal():
        return find_version(uri, name, which)
    found = version_at(uri, name, which)
    if found is None:
        aliases = ", ".join(sorted(aliases_of(uri, name))) or "none"
        raise VersionError(f"{name} has no alias '{which}' (its aliases: {aliases}): name one of them or a number.")
    return found


def _promotions() -> Promotions:
    return Promotions(open_store(), settings().mlflow_url)


def _lines(text: str | None, file: Path | None) -> list[str]:
    if text is not None and file is not None:
        raise DragomanError("A text and --file were both given: give one of them.")
    if file is None:
        return (sys.stdin.read() if text is None else text).splitlines()
    try:
        return file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DragomanError(f"{file} can't be read ({error}): give a text file in UTF-8.") from error


def _form(json: bool, csv: bool) -> Form:
    return Form.JSON if json else Form.CSV if csv else Form.TEXT
