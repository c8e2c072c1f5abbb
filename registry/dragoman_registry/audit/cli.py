"""The commands `dragoman audit`: verify the trail, and have it witnessed outside."""

import platform
from pathlib import Path
from typing import Annotated

import typer

from dragoman.cli.arguments import open_snapshot, open_store
from dragoman.cli.groups import Group
from dragoman.cli.output import Answer, printed
from dragoman.settings import settings
from dragoman.tables.table import Table, word
from dragoman.terminal import say
from dragoman_registry.audit.history import faults
from dragoman_registry.audit.log import AuditLog
from dragoman_registry.audit.places import place_at
from dragoman_registry.audit.signed_note import NoteError, SignerKey, VerifierKey
from dragoman_registry.audit.witness import WitnessError, discrepancies, write_missing
from dragoman_registry.registry_client.client import speaking

audit = typer.Typer(
    rich_help_panel=Group.REGISTRY, help="The trail of every promotion, refusal and rollback.", no_args_is_help=True
)


@audit.command("verify")
@printed
def verify(
    witness: Annotated[
        str | None,
        typer.Option(
            "--witness", metavar="PLACE", help="Compare it with the signed checkpoints there: a file, folder or URL."
        ),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="KEY", help="Public key of the witness, or its file; may be repeated."),
    ] = None,
) -> Answer:
    """Check that no record of the trail was altered, replaced or taken away.

    Ends with exit code 1 if one was, or if a checkpoint of the witness is forged or missing. Nothing is written.

    Examples: dragoman audit verify · dragoman audit verify --json ·
    dragoman audit verify --witness s3://lab-audit/dragoman --key audit.key.pub
    """
    keys = [VerifierKey.read(each) for each in key or ()]
    if bool(witness) != bool(keys):
        raise WitnessError("--witness and --key go together: give the place of the checkpoints and the public key.")
    with open_snapshot() as store, speaking(settings().mlflow_url):
        log = AuditLog(store.database)
        found = faults(log, settings().mlflow_url)
        count = len(log.records())
        found += discrepancies(log, place_at(witness), keys) if witness else []
    table = Table("faults", "what is wrong with the audit trail", [word("fault")], [{"fault": each} for each in found])
    seen = ", as the witness signed them" if witness else ""
    told = "\n".join(found) or f"The audit trail is whole: {count} records{seen}."
    return Answer([table], told, is_sentence_enough=True, code=1 if found else 0)


@audit.command("keygen")
def keygen(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file, outside of the home.", show_default=False)],
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="Name of the trail; by default this host's.")
    ] = "",
) -> None:
    """Make the key that signs checkpoints of the trail: the secret one in FILE, the public one in FILE.pub.

    Examples: dragoman audit keygen /etc/dragoman/audit.key --name lab.example/audit
    """
    if file.absolute().resolve().is_relative_to(settings().home.resolve()):
        raise NoteError(f"{file} is in the home, beside what it is to guard: give a file outside of {settings().home}.")
    signer = SignerKey.make(name or f"{platform.node()}/dragoman-audit", file)
    public = file.with_name(f"{file.name}.pub")
    public.write_text(f"{signer.public}\n", encoding="utf-8")
    say(str(signer.public))
    say(f"{file} is the secret key: set witness_key to it. {public} is the public one, for whoever verifies.", err=True)


@audit.command("witness")
def witness() -> None:
    """Write the signed checkpoints that the witness of the settings lacks, as every promotion does.

    Examples: dragoman audit witness
    """
    written = write_missing(AuditLog(open_store().database), settings())
    say(f"{written} checkpoints were written." if written else "The witness lacks no checkpoint.")
