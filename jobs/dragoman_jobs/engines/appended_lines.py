"""A file of lines that several processes add to, read on from where it was read before."""

from pathlib import Path


class AppendedLines:
    """The lines of a file as they come; one that another process is still writing is read the next time."""

    def __init__(self, path: Path) -> None:
        """Take the file; it need not be there."""
        self._path, self._read = path, 0

    def new(self) -> list[bytes]:
        """The lines that were added since the last time."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._read)
            whole, end, _ = file.read().rpartition(b"\n")
        self._read += len(whole) + len(end)
        return whole.splitlines()
