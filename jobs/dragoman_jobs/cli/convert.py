"""`dragoman convert`: checkpoints in another form."""

from pathlib import Path
from typing import Annotated

import typer

from dragoman.cli.groups import Group
from dragoman.terminal import say

convert = typer.Typer(rich_help_panel=Group.RUN, help="Write a checkpoint in another form.", no_args_is_help=True)


@convert.callback()
def _group() -> None:
    """Keep the subcommand's name: Typer would run an only command without it."""


@convert.command("xglm-to-opt")
def xglm_to_opt(
    model: Annotated[str, typer.Argument(help="Folder of an XGLM checkpoint, or its name on the Hugging Face hub.")],
    out: Annotated[Path, typer.Argument(help="Folder to write; it must not exist yet.")],
    revision: Annotated[str | None, typer.Option(help="Commit or tag on the hub.")] = None,
) -> None:
    """Turn an XGLM checkpoint into the OPT checkpoint that computes the same logits.

    OPT runs where XGLM does not: CTranslate2, vLLM, SDPA and FlashAttention.

    Examples: dragoman convert xglm-to-opt facebook/xglm-564M models/xglm-564m-opt
    """
    from dragoman_jobs.models import conversion

    conversion.xglm_to_opt(model, out, revision)
    say(f"Wrote {out}: load it with AutoModelForCausalLM, or give it to any engine that knows OPT.")
