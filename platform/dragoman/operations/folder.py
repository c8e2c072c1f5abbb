"""A folder of any fsspec file system: its files are listed, fetched and sent in batches."""

from collections.abc import Callable, Sequence
from pathlib import Path

from dragoman.file_system import file_system
from dragoman.operations.snapshot import BackupError

_AT_ONCE = 128
"""Files of a batch: an object store serves them concurrently."""


class Folder:
    """A folder, by its fsspec URL."""

    def __init__(self, url: str) -> None:
        """Take a folder, which need not be there.

        Raises:
            BackupError: no file system of that kind is installed.
        """
        self.url = url
        try:
            self._files, self._root = file_system(url)
        except (ImportError, ValueError) as error:
            raise BackupError(f"{url} can't be reached ({error}): install what it needs, as dragoman[s3].") from error

    def names(self, under: str = "") -> list[str]:
        """Every file below, by its path in the folder."""
        place = f"{self._root}/{under}".rstrip("/")
        if not self._files.exists(place):
            return []
        return sorted(path.removeprefix(self._root).lstrip("/") for path in self._files.find(place))

    def fetch(self, names: Sequence[str], to: Path, tell: Callable[[int], None]) -> None:
        """Copy files from here into a local folder, under the same paths.

        Raises:
            BackupError: one is gone, or can't be read.
        """

        def copy(some: Sequence[str]) -> None:
            self._files.get([f"{self._root}/{name}" for name in some], [str(to / name) for name in some])

        for name in names:
            (to / name).parent.mkdir(parents=True, exist_ok=True)
        self._in_parts(names, copy, tell)

    def send(self, names: Sequence[str], source: Path, tell: Callable[[int], None]) -> None:
        """Copy files from a local folder here, under the same paths.

        Raises:
            BackupError: they can't be written.
        """

        def copy(some: Sequence[str]) -> None:
            self._files.put([str(source / name) for name in some], [f"{self._root}/{name}" for name in some])

        for parent in sorted({str(Path(name).parent) for name in names}):
            self._files.makedirs(f"{self._root}/{parent}", exist_ok=True)
        self._in_parts(names, copy, tell)

    def _in_parts(
        self, names: Sequence[str], copy: Callable[[Sequence[str]], None], tell: Callable[[int], None]
    ) -> None:
        try:
            for start in range(0, len(names), _AT_ONCE):
                some = names[start : start + _AT_ONCE]
                copy(some)
                tell(len(some))
        except FileNotFoundError as error:
            raise BackupError(
                f"A file of {self.url} is not there ({error}): do it again if it was removed meanwhile; if it is lost, "
                "`dragoman doctor` says what to do."
            ) from error
        except OSError as error:
            raise BackupError(f"The files of {self.url} can't be copied ({error}): check room and rights.") from error
