"""`dragoman rename`, `archive`, `unarchive`, `note` and `tag`: what people call grids, and say of them."""

import os
import re
import shlex
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from dragoman.cli.arguments import GridArgument, complete_grids, open_store
from dragoman.cli.groups import Group, grouped
from dragoman.control_characters import hidden_character
from dragoman.errors import StoreError
from dragoman.planning.candidates import candidates_name
from dragoman.planning.manifest import manifest_path
from dragoman.reading import read_text
from dragoman.scratch_folder import temporary_folder
from dragoman.settings import settings
from dragoman.store.maintenance import renaming
from dragoman.terminal import say

LONGEST_NOTE = 100_000
"""Characters of notes: they are read with every list of grids."""

GridsArgument = Annotated[
    list[str], typer.Argument(metavar="GRID...", help="Names of grids.", autocompletion=complete_grids)
]


@grouped(Group.STORE)
def rename(grid: GridArgument, new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.")]) -> None:
    """Give a grid another name: it stays the same grid, and what refers to it by the old name still finds it.

    Runs, scores, gates, promotions, its campaign and bundles of it stay as they are; in MLflow its experiment and its
    runs are renamed. A grid that a driver works at is refused. Its spec's file still has the old name: write the new
    one there.

    Examples: dragoman rename demo demo-2024
    """
    store, place = open_store(), settings()
    record = store.grids.get(grid)

    def follow(before: str, after: str) -> None:
        from dragoman.tracking.renaming import rename_in_mlflow  # MLflow takes a second

        count = rename_in_mlflow(
            place.mlflow_url, before, after, campaign=record.spec.get("campaign"), grid_id=record.spec_hash
        )
        if count:
            say(f"MLflow calls it {after} too: {count} {'run' if count == 1 else 'runs'}.")

    names = renaming.rename(store, grid, new, candidates=candidates_name(new), also=follow)
    for before, after in names.items():
        if (manifest := manifest_path(place.home, before)).exists():
            manifest.replace(manifest_path(place.home, after))
    say(f"{record.name} is called {new} now, and is still found as {record.name}; write `name: {new}` in its spec.")


@grouped(Group.STORE)
def archive(grids: GridsArgument) -> None:
    """Archive grids: lists leave them out unless they are asked for all; everything else is as before.

    Examples: dragoman archive trial · dragoman archive trial-1 trial-2
    """
    _archive(grids, is_archived=True)


@grouped(Group.STORE)
def unarchive(grids: GridsArgument) -> None:
    """Take grids back from the archive: lists show them again.

    Examples: dragoman unarchive trial
    """
    _archive(grids, is_archived=False)


def _archive(grids: list[str], *, is_archived: bool) -> None:
    store = open_store()
    names = [store.grids.get(name).name for name in grids]  # a wrong name, before anything is changed
    where = "archived" if is_archived else "in the lists"
    for name in names:
        has_changed = store.annotations.archive(name, is_archived=is_archived)
        say(f"{name} is {where}{'' if has_changed else ' already'}.")
    if is_archived:
        say("`dragoman list --all` shows archived grids, `dragoman unarchive` takes them back.")


@grouped(Group.STORE)
def note(
    grid: GridArgument,
    text: Annotated[str | None, typer.Argument(metavar="[TEXT]", help="The notes; an empty text removes them.")] = None,
    file: Annotated[Path | None, typer.Option("--file", metavar="FILE", help="Read them from a file.")] = None,
    edit: Annotated[bool, typer.Option("--edit", help="Write them in the editor of $EDITOR.")] = False,
) -> None:
    """Write notes about a grid, in Markdown, or print those there are.

    They stand on its pages and are searched by `dragoman list --search`.

    Examples: dragoman note demo · dragoman note demo "first with **all** pairs" · dragoman note demo --file notes.md ·
    dragoman note demo --edit
    """
    store = open_store()
    before = store.annotations.of(grid).notes or ""
    if sum((text is not None, file is not None, edit)) > 1:
        raise StoreError("TEXT, --file and --edit are three ways to write notes: choose one.")
    if file is not None:
        text = _read(file)
    elif edit and (text := _edited(before)) == before:
        say("Nothing was changed.")
        return
    if text is None:
        say(before or f"There are no notes about {grid}.")
        return
    if len(text) > LONGEST_NOTE:
        raise StoreError(f"The notes have {len(text):,} characters, and may have {LONGEST_NOTE:,}: shorten them.")
    store.annotations.note(grid, text.strip())
    say(f"The notes about {grid} are {'written' if text.strip() else 'removed'}.")


def _read(file: Path) -> str:
    try:
        return read_text(file)
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{file} can't be read ({error}): give a text file in UTF-8.") from error


def _edited(text: str) -> str:
    """The text as somebody leaves it in their editor."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with TemporaryDirectory(dir=temporary_folder()) as folder:
        file = Path(folder) / "notes.md"
        file.write_text(text, encoding="utf-8")
        try:
            subprocess.run([*shlex.split(editor), str(file)], check=True)  # noqa: S603  # the user's own editor
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            raise StoreError(
                f"The editor `{editor}` did not end well ({error}), and the notes are as they were: set EDITOR to "
                "another, or give them with --file."
            ) from error
        return _read(file)


class TagCommand(TyperCommand):
    """A command whose words may begin with a minus: ``-old`` is a tag to remove, and no option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments, with words that begin with a minus and are no options among them."""
        known = {name for each in self.params for name in each.opts} | set(ctx.help_option_names)
        marked = [f"−{word[1:]}" if re.match(r"-[^-]", word) and word not in known else word for word in args]
        return super().parse_args(ctx, marked)


@grouped(Group.STORE, cls=TagCommand)
def tag(
    grid: GridArgument,
    changes: Annotated[
        list[str] | None, typer.Argument(metavar="[+TAG] [-TAG]...", help="Tags to add, and tags to remove.")
    ] = None,
) -> None:
    """Add tags to a grid with a plus, remove them with a minus; without any, print those it has.

    `dragoman list --tag` and the pages show the grids with a tag.

    Examples: dragoman tag demo +paper -old · dragoman tag demo
    """
    store = open_store()
    add: list[str] = []
    remove: list[str] = []
    for change in changes or ():
        sign, name = change[:1], change[1:]
        if sign not in ("+", "−") or not name or any(map(str.isspace, name)) or hidden_character(name):
            raise StoreError(
                f"{change!a} is no change of tags: write +TAG to add one, -TAG to remove one, without spaces."
            )
        (add if sign == "+" else remove).append(name)
    before = store.annotations.of(grid).tags
    if lacking := [name for name in remove if name not in before]:
        raise StoreError(f"{grid} has no tag {lacking[0]}: it has {', '.join(before) or 'none'}. Nothing was changed.")
    if changes:
        store.annotations.tag(grid, add, remove)
    say(f"{grid}: {' '.join(store.annotations.of(grid).tags) or 'no tags'}")
