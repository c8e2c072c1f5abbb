"""The answers of judges on disk, by the content of their requests: what was paid for once is never asked again."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from filelock import AsyncFileLock

from dragoman.identity import canonical_json, fingerprint
from dragoman_jobs.engines.appended_lines import AppendedLines

FOLDER = "answers"
"""Folder of the answers in the home, beside the usage logs: not in the cache, as they cost money to make again."""

_DIGITS = 3
"""Digits of a request's hash that name its file: 4096 files, each locked while one of its requests is asked."""


class Answer(NamedTuple):
    """What came of a request."""

    text: str
    """The text."""
    finish_reason: str
    """Why it ended, as the protocol has it: `stop`, `length`, `content_filter`."""


class AnswerStore:
    """Files of JSON lines that several processes add to.

    A request is held while it is asked, so that two processes never pay for the same one: the second waits, and reads
    the answer of the first. A line that a killed process left unfinished is not read.
    """

    def __init__(self, folder: Path) -> None:
        """Take the folder; it need not be there."""
        self._folder = folder
        self._known: dict[str, Answer] = {}
        self._lines: dict[Path, AppendedLines] = {}

    @asynccontextmanager
    async def held(self, request: object) -> AsyncIterator["Held"]:
        """Hold a request, which is anything that has canonical JSON, until the end of the block."""
        key = fingerprint("answer", 1, {"request": request})
        file = self._folder / f"{key.partition('-')[2][:_DIGITS]}.jsonl"
        if key not in self._known:
            self._folder.mkdir(parents=True, exist_ok=True)
            async with AsyncFileLock(file.with_suffix(".lock"), poll_interval=0.01):
                self._catch_up(file)
                yield Held(self, key, file)
        else:
            yield Held(self, key, file)

    def get(self, key: str) -> Answer | None:
        """The answer under a key; None where there is none."""
        return self._known.get(key)

    def add(self, key: str, file: Path, answer: Answer) -> None:
        """Write an answer to its file, which is held."""
        line = canonical_json({"key": key, **answer._asdict()}).encode() + b"\n"
        with file.open("ab") as out:
            if out.tell() and not _ends_a_line(file):
                out.write(b"\n")
            out.write(line)
            out.flush()
            os.fsync(out.fileno())
        self._known[key] = answer

    def _catch_up(self, file: Path) -> None:
        for line in self._lines.setdefault(file, AppendedLines(file)).new():
            try:
                found = json.loads(line)
                self._known[found["key"]] = Answer(found["text"], found["finish_reason"])
            except (ValueError, KeyError, TypeError):  # of a process that was killed as it wrote
                continue


class Held:
    """A request that is held."""

    def __init__(self, store: AnswerStore, key: str, file: Path) -> None:
        self._store, self._key, self._file = store, key, file

    @property
    def answer(self) -> Answer | None:
        """The answer that is there; None where it has to be asked for."""
        return self._store.get(self._key)

    def record(self, answer: Answer) -> None:
        """Keep an answer."""
        self._store.add(self._key, self._file, answer)


def _ends_a_line(file: Path) -> bool:
    with file.open("rb") as content:
        content.seek(-1, os.SEEK_END)
        return content.read(1) == b"\n"
