"""The queue of cells that wait for a worker: they are handed out in leases, each of cells that are decoded together.

A lease is as large as fills batches, and small enough that no worker is left with much when others have nothing: guided
self-scheduling (Polychronopoulos and Kuck, 1987), which gives each idle worker a share of what is left.
"""

from collections import deque
from collections.abc import Collection, Iterable

from dragoman_jobs.evaluation.worker import CellTask, Loading

LEASE_BATCHES = 16
"""Batches that a lease is to fill at most: from there on the engine's throughput grows by a percent or two."""

MOST_SECONDS, LEAST_SECONDS = 120.0, 0.3
"""What a lease takes at most, where its cells are several, as it is lost with its worker; and the least that cells are
put together for, however few are left."""

_SHARES = 2
"""Leases into which each worker's part of what is left is divided."""


class CellQueue:
    """Cells that wait, by model; of each model the longest come first, and those that read the same sentences together.

    Lengths are in characters to translate. In batches each counts as a token: what prompts add makes up for what tokens
    hold.
    """

    def __init__(self, batch_tokens: int) -> None:
        """Begin without cells.

        Args:
            batch_tokens: tokens of prompts that a worker decodes at once.
        """
        self._batch_tokens = batch_tokens
        self._queues: dict[str, deque[CellTask]] = {}
        self._alone: set[str] = set()
        self._size = 0
        self._measured: dict[str, tuple[int, float]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def of(self, model: str) -> int:
        """How many cells of a model, by its id, wait."""
        return len(self._queues.get(model, ()))

    def longest(self, without: str | None = None) -> str:
        """The model with the most cells that wait."""
        return max((each for each in self._queues if each != without), key=self.of)

    def next_loading(self, model: str) -> Loading:
        """What the next cell of a model needs to have loaded."""
        return self._queues[model][0].loading

    def add(self, tasks: Iterable[CellTask]) -> None:
        """Queue cells."""
        # what reads the same sentences is equally long
        for task in sorted(tasks, key=sentences_of, reverse=True):
            self._queues.setdefault(task.model.model, deque()).append(task)
            self._size += _size(task)

    def put_back(self, tasks: Iterable[CellTask], *, alone: bool = False) -> None:
        """Queue cells again, before all others and in this order.

        Args:
            tasks: the cells.
            alone: whether each is to be a lease of its own from now on.
        """
        for task in reversed(list(tasks)):
            self._queues.setdefault(task.model.model, deque()).appendleft(task)
            self._size += _size(task)
            if alone:
                self._alone.add(task.cell)

    def learn(self, task: CellTask, seconds: float) -> None:
        """Take the seconds that a cell took: they bound leases of its model."""
        size, before = self._measured.get(task.model.model, (0, 0.0))
        self._measured[task.model.model] = size + _size(task), before + seconds

    def lease(
        self,
        model: str,
        *,
        workers: int,
        last: CellTask | None = None,
        elsewhere: Collection[CellTask] = (),
    ) -> list[CellTask]:
        """Take the cells of a model that a worker does next: several, where they can be decoded together.

        Args:
            model: its id, of which cells wait.
            workers: those that share what is left.
            last: the last cell that the worker was given.
            elsewhere: the last cells of other workers.
        """
        queue = self._queues[model]
        place = _place(queue, last, elsewhere) if queue[0].model.keeps_prefixes else 0
        most = self._most(model, workers)
        found = [self._take(queue, place)]
        size = _size(found[0])
        while (
            found[0].model.batch_invariant
            and found[0].cell not in self._alone
            and place < len(queue)
            and queue[place].loading == found[0].loading
            and queue[place].cell not in self._alone
            and (size := size + _size(queue[place])) <= most
        ):
            found.append(self._take(queue, place))
        return found

    def _take(self, queue: deque[CellTask], place: int) -> CellTask:
        task = queue[place]
        del queue[place]
        self._size -= _size(task)
        return task

    def _most(self, model: str, workers: int) -> float:
        """The most characters of a lease: one batch, before it is known how long a model takes for them."""
        share = self._size / (_SHARES * max(1, workers))
        size, seconds = self._measured.get(model, (0, 0.0))
        if not seconds:
            return min(share, self._batch_tokens)
        pace = size / seconds
        return max(LEAST_SECONDS * pace, min(share, LEASE_BATCHES * self._batch_tokens, MOST_SECONDS * pace))


def sentences_of(task: CellTask) -> tuple[int, str]:
    """What cells with the same source sentences have in common: their length and language."""
    return task.size, task.pair.source


def _place(queue: deque[CellTask], last: CellTask | None, elsewhere: Collection[CellTask]) -> int:
    """Where the first cell waits that reads what the worker's last one read, or else what no other worker reads."""
    theirs = {sentences_of(task) for task in elsewhere}
    read = [sentences_of(task) for task in queue]
    if last is not None and sentences_of(last) in read:
        return read.index(sentences_of(last))
    return next((place for place, sentences in enumerate(read) if sentences not in theirs), 0)


def _size(task: CellTask) -> int:
    return max(1, task.size)
