"""The `dragoman` Typer app, built from the commands that installed packages register."""

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from dragoman import interruption, plugins, telemetry
from dragoman.cli import environment
from dragoman.cli.grid_names import GRIDS, grid_names
from dragoman.cli.groups import Group, class_of, group_of, grouped
from dragoman.cli.hidden_settings import hide_secret_settings
from dragoman.cli.summaries import summary_of
from dragoman.control_characters import visible, visible_sentence
from dragoman.errors import DragomanError
from dragoman.line import half_character
from dragoman.redaction import masked
from dragoman.redaction.process import mask_output
from dragoman.signals import interruptible
from dragoman.terminal import hang_up, say, write_whatever_comes
from dragoman.version import __version__

PIPE_CLOSED = 128 + signal.SIGPIPE
"""Exit code after a closed pipe, as of `dragoman results GRID | head -1`: a shell's for SIGPIPE."""


def build_app() -> typer.Typer:
    """The command line with every registered command; none of them is known here by name."""
    app = typer.Typer(
        name="dragoman",
        help="Finetune and evaluate translation models over grids of directed language pairs.",
        cls=_Installed,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_top)
    return app


class _Commands(Mapping[str, Any]):
    """The registered commands by name, each imported only when it is wanted: a command starts without the others."""

    def __getitem__(self, name: str) -> Any:
        entry = plugins.available("commands")[name]
        try:
            command = entry.load()
        except ModuleNotFoundError as error:
            command = _unavailable(name, error)
        if isinstance(command, typer.Typer):
            found: Any = get_group(command)
            found.rich_help_panel = command.rich_help_panel or Group.PLUGINS
        else:
            alone = typer.Typer(add_completion=False, rich_markup_mode="rich")
            alone.command(name, cls=class_of(command) or TyperCommand, rich_help_panel=group_of(command))(command)
            found = get_command(alone)
        found.name = name
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(plugins.available("commands")))

    def __len__(self) -> int:
        return len(plugins.available("commands"))


class _Summaries(_Commands):
    """The same for lists of commands: one whose package declares its summary is not imported."""

    def __getitem__(self, name: str) -> Any:
        summary = summary_of(plugins.available("commands")[name])
        if summary is None:
            return super().__getitem__(name)
        return TyperCommand(name, help=summary.text, rich_help_panel=summary.group)


class _Installed(TyperGroup):
    """The top level, which looks its commands up among the installed ones."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Commands()  # type: ignore[assignment]  # nothing is ever added to them

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """The names alone: nothing is imported for them."""
        return list(self.commands)

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """The help lists commands by their groups, in the order of `Group`."""
        groups = [str(group) for group in Group]
        found = dict(_Summaries())
        self.commands = {name: found[name] for name in sorted(found, key=lambda name: _place(found[name], groups))}
        super().format_help(ctx, formatter)

    def shell_complete(self, ctx: typer.Context, incomplete: str) -> list[Any]:  # type: ignore[override]
        """The names that may be meant, with their summaries."""
        self.commands = _Summaries()  # type: ignore[assignment]
        return super().shell_complete(ctx, incomplete)

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        """A command by its name; of one that the shell completes the name of a grid for, no more than that."""
        if ctx.resilient_parsing and len(args) == 1 and (named := _naming_a_grid(args[0])) is not None:
            return args[0], named, []
        return super().resolve_command(ctx, args)

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Read the arguments of the top level."""
        with _visible_errors():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Run a command; one that lacks the name of a grid says which there are.

        Raises:
            DragomanError: a grid has to be named.
        """
        interruption.forget()
        try:
            with _visible_errors():
                return super().invoke(ctx)
        except typer.TyperException as error:
            error.message = masked(error.message)  # it repeats what it was given
            if not isinstance(error, typer.BadParameter) or error.param is None or error.param.metavar != "GRID":
                raise
            from dragoman.cli.arguments import complete_grids

            grids = ", ".join(complete_grids("")) or "none yet"
            raise DragomanError(f"The name of a grid is missing (there are: {grids}).") from error
        except KeyboardInterrupt as error:  # typer would end without a word
            print(interruption.message(), file=sys.stderr)
            raise typer.Exit(interruption.CODE) from error


class _NamingAGrid(TyperCommand):
    """A command as far as its first argument, the name of a grid: the shell completes it without the command itself."""

    def shell_complete(self, ctx: typer.Context, incomplete: str) -> list[Any]:  # type: ignore[override]
        """Its options, for which it is imported."""
        whole = _Commands()[str(self.name)]
        found: list[Any] = whole.shell_complete(
            whole.make_context(self.name, [], parent=ctx.parent, resilient_parsing=True), incomplete
        )
        return found


def _naming_a_grid(name: str) -> Any:
    """The command of a name if it is declared to begin with the name of a grid; None else."""
    entry = plugins.available("commands").get(name)
    summary = summary_of(entry) if entry else None
    if summary is None or summary.argument not in GRIDS:
        return None

    def command(grid: Annotated[str, typer.Argument(autocompletion=grid_names)]) -> None:
        del grid

    alone = typer.Typer(add_completion=False)
    alone.command(name, cls=_NamingAGrid)(command)
    return get_command(alone)


@contextmanager
def _visible_errors() -> Iterator[None]:
    """Errors of the command line say what was written there, with control characters as escapes."""
    try:
        yield
    except Exception as error:
        # of click, which some versions of typer depend on and others include
        if hasattr(error, "format_message") and isinstance(message := getattr(error, "message", None), str):
            error.__dict__["message"] = visible(message)
        raise


def _place(command: Any, groups: list[str]) -> tuple[int, str]:
    """Where a command stands in the help: groups that packages name themselves come after ours."""
    panel = str(command.rich_help_panel)
    return groups.index(panel) if panel in groups else len(groups), panel


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"dragoman {__version__}")
        raise typer.Exit


def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting for this command; may be repeated."),
    ] = None,
) -> None:
    del version
    if assignments:
        from dragoman.settings import set_flags  # imports pydantic, which `--help` doesn't need

        set_flags(assignments)


def _unavailable(name: str, error: ModuleNotFoundError) -> Callable[[], Any]:
    def command() -> None:
        raise DragomanError(
            f"`dragoman {name}` needs the Python package '{error.name}', which is not installed here: "
            "install dragoman with the extra that brings it, for example `pip install 'dragoman[all]'`."
        )

    grouped(Group.UNAVAILABLE)(command)
    command.__doc__ = f"(needs the Python package {error.name})"
    return command


def main() -> None:
    """Run the command line; a mistake of the user's ends in one sentence and an exit code."""
    # What commands import stays, and is so much that to look for garbage in it, every 700 objects, takes a quarter of
    # their start.
    gc.set_threshold(50_000)
    telemetry.turn_off()
    os.environ.setdefault("PYTHONSAFEPATH", "1")  # child Python processes don't import from the current folder
    write_whatever_comes()
    mask_output()
    hide_secret_settings()
    try:
        for argument in filter(half_character, sys.argv[1:]):
            raise DragomanError(f"The argument {argument!a} is not UTF-8: write it, or name the file, in UTF-8.")
        with interruptible(signal.SIGINT):
            try:
                build_app()()
            finally:
                hang_up()
    except DragomanError as error:
        _end(error)
    except KeyboardInterrupt:
        print(interruption.message(), file=sys.stderr)
        sys.exit(interruption.CODE)
    except BrokenPipeError:
        sys.exit(PIPE_CLOSED)
    except Exception as error:
        if (told := environment.sentence(error)) is None:
            raise
        _end(DragomanError(told))
    finally:
        gc.freeze()  # everything ends with the process, and a last collection takes a second


def _end(error: DragomanError) -> NoReturn:
    print(f"dragoman: {visible_sentence(masked(str(error)))}", file=sys.stderr)
    sys.exit(error.exit_code)
