"""File systems by URL (fsspec); in a local path every character is literal.

fsspec takes `::` anywhere for a chain of file systems, in the name of a local folder too.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_LOCAL = "file://"


def is_local(url: str) -> bool:
    """Whether a URL is a path of this machine: absolute, below a user's home, or after `file://`."""
    return url.startswith(("/", "~", _LOCAL))


def file_system(url: str) -> "tuple[AbstractFileSystem, str]":
    """The file system of a URL, and the path in it.

    Args:
        url: a path, or any URL of fsspec (`file:///folder`, `s3://bucket/folder`, `zip://inner::outer.zip`). After
            `file://` nothing is quoted: `%20` is three characters.

    Raises:
        ImportError: the package for that kind of file system is not installed.
        ValueError: there is no such kind.
    """
    if is_local(url):
        from fsspec.implementations.local import LocalFileSystem

        return LocalFileSystem(), str(LocalFileSystem._strip_protocol(url))
    from fsspec.core import url_to_fs

    files, path = url_to_fs(url)
    return files, str(path)
