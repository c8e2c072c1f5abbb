"""Access to the Hugging Face hub for corpora: names on the hub or local copies, revisions, errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dragoman.errors import CorpusError


def is_hub_name(path: str) -> bool:
    """Whether a path is a name such as ``Helsinki-NLP/opus-100``, and no file or folder here."""
    owner, _, name = path.partition("/")
    return bool(owner and name) and "/" not in name and path[0] not in ".~" and not Path(path).exists()


def pinned(path: str, revision: str | None) -> str:
    """The revision of a data set on the hub.

    Raises:
        CorpusError: none is given.
    """
    if revision is None:
        raise CorpusError(
            f"corpus.revision is missing: '{path}' is on the Hugging Face hub, where texts change; give a commit or "
            "tag of it (or, if a folder was meant, mend corpus.path)."
        )
    return revision


def local_copy(path: str, revision: str | None, patterns: str | None = None) -> str:
    """The folder that holds a data set: `path` itself, or where a data set of the hub was put.

    Args:
        path: a folder or any URL fsspec opens, or a name on the hub.
        revision: the commit or tag of one on the hub.
        patterns: which of its files are fetched, as `fnmatch` has it; by default all.

    Raises:
        CorpusError: one on the hub has no revision, or can't be had.
    """
    if not is_hub_name(path):
        return path
    commit = pinned(path, revision)
    with reaching(path):
        from huggingface_hub import snapshot_download

        return str(snapshot_download(path, repo_type="dataset", revision=commit, allow_patterns=patterns))


@contextmanager
def reaching(path: str) -> Iterator[None]:
    """Turn the exceptions of loading a data set into one sentence.

    Raises:
        CorpusError: the library is not installed, or the data set can't be had.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise CorpusError(f"corpus.path is '{path}': reading it needs {error.name}; install dragoman[hub].") from error
    except Exception as error:  # the hub's client has dozens: no network, no such name, terms not accepted
        cause = error.__cause__ or error  # the message of `datasets` is generic, and the reason is in the cause
        said = " ".join(str(cause).split()) or type(cause).__name__
        raise CorpusError(
            f"corpus.path is '{path}': the data set can't be read ({said[:200].rstrip('.')}); check its name and "
            "revision, the network, and HF_TOKEN if its terms must be accepted, or give the path of a local copy."
        ) from error
