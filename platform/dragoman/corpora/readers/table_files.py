"""Tables in files: one for each pair, found by a pattern, or one for all."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from dragoman.corpora.readers.column_mapping import TableOptions
from dragoman.corpora.readers.files import Files
from dragoman.corpora.readers.name_patterns import pairs_named
from dragoman.corpora.readers.parallel_files import Side
from dragoman.corpora.readers.tables import Table
from dragoman.errors import CorpusError
from dragoman.pair import Pair
from dragoman.segment import Split
from dragoman.spec.corpus import CorpusOptions


def _by_split(value: Any) -> Any:
    if isinstance(value, str):
        return dict.fromkeys(Split if "{split}" in value else (Split.TRAIN,), value)
    return value


class TableFileOptions(TableOptions):
    """Where the tables are."""

    path: Annotated[dict[Split, str], BeforeValidator(_by_split), Field(min_length=1)]
    """A file for all pairs; or a pattern such as `data/{split}.{source}-{target}.tsv.gz` for one file a pair, read in
    both directions. Without `{split}` it is training text; for others give `{train: ..., dev: ..., test: ...}`."""


class TableFiles(Table[Side]):
    """A table kept in files; a subclass defines how one is read."""

    Options: ClassVar[type[CorpusOptions]] = TableFileOptions

    def __init__(self, options: CorpusOptions) -> None:
        super().__init__(options)
        chosen = TableFileOptions.model_validate(options.model_dump(include={"path", "columns", "labels"}))
        self._found: dict[Split, Mapping[Pair | None, Side] | str] = {}
        self._paths = chosen.path
        for split, path in chosen.path.items():
            try:
                self._found[split] = _find(path.replace("{split}", split))
            except CorpusError as error:
                self._found[split] = str(error)
        kept = [parts.items() for parts in self._found.values() if not isinstance(parts, str)]
        self._named_for = {side: pair for parts in kept for pair, side in parts}
        """The pair that a file is named for; None for one of all pairs."""
        reasons = [found for found in self._found.values() if isinstance(found, str)]
        if len(reasons) == len(self._found):
            raise CorpusError(reasons[0])

    @cached_property
    def revision(self) -> str:
        """The hash of every file found."""
        names: dict[Files, set[str]] = {}
        for parts in self._found.values():
            for files, name in parts.values() if not isinstance(parts, str) else ():
                names.setdefault(files, set()).add(name)
        return "-".join(files.revision(found) for files, found in names.items())

    def files_of(self, pair: Pair, split: Split) -> Sequence[Side]:
        """The file that serves the pair."""
        part = self._part(pair, split)
        return [] if isinstance(part, str) else [part[1]]

    def name_of(self, split: Split) -> str:
        """The names of its files, in whatever folder."""
        return self._paths.get(split, "").rpartition("/")[2]

    def _part(self, pair: Pair, split: Split) -> tuple[Pair | None, Side] | str:
        found = self._found.get(split, f"corpus.path names no {split} file, only {' and '.join(sorted(self._found))}")
        if isinstance(found, str):
            return found.rstrip(".")
        for key in (pair, pair.reverse, None):
            if key in found:
                return key, found[key]
        return f"there is no {split} file of {' and '.join(sorted(pair))}"

    def _place(self, part: Side) -> str:
        files, name = part
        return files.place(name)


def _find(path: str) -> Mapping[Pair | None, Side]:
    if "{source}" in path and "{target}" in path:
        first = min(path.index("{source}"), path.index("{target}"))
        folder, _, below = path[:first].rpartition("/")
        pattern = below + path[first:]
        start = folder or ("/" if path.startswith("/") else ".")
        files = Files("corpus.path", start, f"the path of files named like {path}")
        found = pairs_named(pattern, files.names)
        files.require(found, f"file named like {pattern}")
        return {pair: (files, name) for pair, name in found.items()}
    files = Files("corpus.path", path, "the path of a file, or a pattern such as data/{source}-{target}.tsv")
    if len(files.names) == 1:
        return {None: (files, next(iter(files.names)))}
    raise CorpusError(
        f"corpus.path is '{files.url}': it is a folder; write how its files are named, such as "
        f"{files.url.rstrip('/')}/{{source}}-{{target}}.tsv."
    )
