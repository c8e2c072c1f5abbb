"""Cells decoded together: each asks for sentences in turn, and what all of them ask for is decoded as one list."""

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import NamedTuple

from dragoman.disk import DiskError, sentence
from dragoman_jobs.cluster.base import WorkerDiedError
from dragoman_jobs.engines.base import Engine, Hypothesis, Request

Steps = Generator[Sequence[Request], list[Hypothesis], list[Hypothesis]]
"""The decoding of a cell: asks for sentences, is sent their translations, asks again if need be, returns all."""


class Decoded(NamedTuple):
    """A cell that is decoded."""

    hypotheses: list[Hypothesis]
    """Its translations."""
    seconds: float
    """Its own, and its share of the rounds that it was in: by its tokens, those written and one for each prompt."""


def decode(engine: Engine, steps: Steps) -> list[Hypothesis]:
    """The translations of one cell, decoded by itself.

    Raises:
        ModelError: it can't be translated.
    """
    ((_, found),) = decode_together(engine, {"": steps})
    if isinstance(found, Exception):
        raise found
    return found.hypotheses


def decode_together(engine: Engine, cells: Mapping[str, Steps]) -> Iterator[tuple[str, Decoded | Exception]]:
    """What becomes of every cell, as soon as it is through.

    In each round the sentences that all cells ask for are decoded as one list, those that several ask for once. Where
    that fails each cell is decoded by itself, and what fails is raised within its own cell alone.

    Args:
        engine: the model; one that is batch invariant, where there are several cells.
        cells: the decodings, by names of the cells.

    Raises:
        DiskError: a disk is full.
        WorkerDiedError: the engine's own process died.
    """
    seconds = dict.fromkeys(cells, 0.0)
    answers: Mapping[str, list[Hypothesis] | Exception | None] = dict.fromkeys(cells)
    while answers:
        asked: dict[str, Sequence[Request]] = {}
        for cell, answer in answers.items():
            began = time.monotonic()
            try:
                asked[cell] = _next(cells[cell], answer)
            except StopIteration as ended:
                yield cell, Decoded(ended.value, seconds[cell] + time.monotonic() - began)
            except Exception as error:  # of any kind: it ends this cell, not those that were decoded with it
                if is_of_machine(error):
                    raise
                yield cell, error
            else:
                seconds[cell] += time.monotonic() - began
        answers = _round(engine, asked, seconds)


def is_of_machine(error: Exception) -> bool:
    """Whether an error would meet every other cell here as well: of a full disk, or of a process that died."""
    return isinstance(error, DiskError | WorkerDiedError) or sentence(error) is not None


def _next(steps: Steps, answer: list[Hypothesis] | Exception | None) -> Sequence[Request]:
    if answer is None:
        return next(steps)
    return steps.throw(answer) if isinstance(answer, Exception) else steps.send(answer)


def _round(
    engine: Engine, asked: Mapping[str, Sequence[Request]], seconds: dict[str, float]
) -> dict[str, list[Hypothesis] | Exception]:
    """The translations that each cell has asked for; their seconds are added."""
    if len(asked) > 1:
        try:
            return _shared(engine, asked, seconds)
        except Exception as error:
            if is_of_machine(error):
                raise
    return {cell: _alone(engine, cell, requests, seconds) for cell, requests in asked.items()}


def _shared(
    engine: Engine, asked: Mapping[str, Sequence[Request]], seconds: dict[str, float]
) -> dict[str, list[Hypothesis] | Exception]:
    began = time.monotonic()
    # of a prompt alone nothing follows: encoder-decoders read the pair, and the source limits how much is written
    distinct = list(dict.fromkeys(request for requests in asked.values() for request in requests))
    found = dict(zip(distinct, engine.translate_requests(distinct), strict=True))
    answers = {cell: [found[request] for request in requests] for cell, requests in asked.items()}
    took = time.monotonic() - began
    shares = {cell: sum(each.tokens + 1 for each in answer) for cell, answer in answers.items()}
    for cell, share in shares.items():
        seconds[cell] += took * share / max(1, sum(shares.values()))
    return dict(answers)


def _alone(
    engine: Engine, cell: str, requests: Sequence[Request], seconds: dict[str, float]
) -> list[Hypothesis] | Exception:
    began = time.monotonic()
    try:
        return engine.translate_requests(requests)
    except Exception as error:
        if is_of_machine(error):
            raise
        return error
    finally:
        seconds[cell] += time.monotonic() - began
