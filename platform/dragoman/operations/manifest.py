"""Manifest of a backup: every file with its hash; written last, so that a backup without it is incomplete."""

import hashlib
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ValidationError

from dragoman.operations.snapshot import BackupError
from dragoman.reading import read_text, refused_as
from dragoman.version import __version__

FORMAT = 1
"""Version of the layout."""

NAME = "manifest.json"


class Member(BaseModel):
    """One file."""

    sha256: str
    """Hash of its bytes."""
    size: int
    """How many they are."""

    @classmethod
    def of(cls, file: Path) -> "Member":
        """The entry of a file on disk."""
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return cls(sha256=digest, size=file.stat().st_size)


class Manifest(BaseModel):
    """The files of a backup and where they came from."""

    format: int = FORMAT
    """Version of the layout."""
    dragoman: str = __version__
    """The program that wrote it."""
    made: datetime
    """The moment it shows (UTC)."""
    databases: dict[str, str]
    """File of each database: store, mlflow, users."""
    folders: dict[str, str]
    """Where each folder was: blobs, artifacts, models."""
    files: dict[str, Member] = {}
    """Every file, by its path in the backup."""

    @classmethod
    def now(cls, databases: dict[str, str], folders: dict[str, str]) -> "Manifest":
        """An empty manifest of this moment."""
        return cls(made=datetime.now(UTC), databases=databases, folders=folders)

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """The manifest of a backup.

        Raises:
            BackupError: there is none, or it is of another format.
        """
        file = folder / NAME
        if not file.is_file():
            raise BackupError(f"{folder} is no whole backup: it has no {NAME}, which is written last. Take another.")
        try:
            with refused_as(BackupError):
                manifest = cls.model_validate_json(read_text(file))
        except (ValidationError, UnicodeDecodeError) as error:
            raise BackupError(f"{file} is damaged: take another backup.") from error
        if not all(_is_inside(name) for name in (*manifest.files, *manifest.databases.values())):
            raise BackupError(f"{file} names files outside of the backup: it was tampered with. Take another.")
        if manifest.format != FORMAT:
            raise BackupError(
                f"{folder} has layout {manifest.format}, this program knows {FORMAT}: use Dragoman {manifest.dragoman}."
            )
        return manifest

    def write(self, folder: Path) -> None:
        """Write it, in one step."""
        partial = folder / f".{NAME}"
        with partial.open("w", encoding="utf-8") as file:
            file.write(self.model_dump_json(indent=1))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(folder / NAME)

    def add(self, folder: Path, names: Iterable[str]) -> None:
        """Take in files of the backup."""
        self.files |= {name: Member.of(folder / name) for name in names}

    def under(self, part: str) -> list[str]:
        """The files of one folder, by their paths in the backup."""
        return [name for name in self.files if name.startswith(f"{part}/")]

    def check(self, folder: Path, name: str) -> None:
        """Check that a file has its recorded size and hash.

        Raises:
            BackupError: it is gone, cut off, or altered.
        """
        file = folder / name
        if not file.is_file():
            raise BackupError(f"The backup {folder} is not whole: {name} is missing. Nothing was restored.")
        if Member.of(file) != self.files[name]:
            raise BackupError(f"The backup {folder} is damaged: {name} is not what was written. Nothing was restored.")


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts
