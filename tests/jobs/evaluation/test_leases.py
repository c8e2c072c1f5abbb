"""Leases: cells that are decoded together are the same to the byte as alone, and fail alone."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from dragoman import plugins
from dragoman.errors import ModelError
from dragoman.pair import Pair
from dragoman.segment import Segment
from dragoman.spec.decoding import Decoding
from dragoman.spec.prompt import Prompt
from dragoman.store.blobs import BlobStore
from dragoman.store.records import CellOutcome
from dragoman_jobs.cluster.base import WorkerDiedError
from dragoman_jobs.engines.base import Hypothesis, Request
from dragoman_jobs.engines.ctranslate2 import CTranslate2Engine
from dragoman_jobs.evaluation import worker as worker_module
from dragoman_jobs.evaluation.decoding_rounds import Decoded, Steps, decode_together
from dragoman_jobs.evaluation.pivot_translation import SecondLeg
from dragoman_jobs.evaluation.worker import CellFailure, CellTask, Lease, PreparedModel, Worker
from dragoman_jobs.models.checkpoint import Checkpoint
from dragoman_jobs.testing import EchoEngine

PLAIN = Prompt(template="[{source_language}]: {source} [{target_language}]:")
SHOT = PLAIN.model_copy(update={"shots": 2})
LINES = {"en": ["a", "bc de", "f" * 70, "g h"], "de": ["i", "jk lm", "n" * 75, "o"], "fr": ["p", "q", "r s", "t"]}
DECODING = Decoding(max_new_tokens=8, too_long="cut")


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(f"file://{tmp_path}/blobs")


def tasks(blobs: BlobStore, model: PreparedModel) -> list[CellTask]:
    """Cells of every pair: direct ones, few-shot ones, and through a third language; some sentences are too long."""
    found = []
    for pair in (Pair(*both) for both in itertools.permutations(LINES, 2)):
        (pivot,) = LINES.keys() - set(pair)
        task = CellTask(
            cell=f"direct {pair}", pair=pair, model=model, decoding=DECODING, prompt=PLAIN,
            test=blobs.put_test(LINES[pair.source], LINES[pair.target]), languages=tuple(LINES),
            metrics=("bleu", "chrf"), size=sum(map(len, LINES[pair.source])),
        )  # fmt: skip
        shown = {"cell": f"shown {pair}", "prompt": SHOT, "demonstrations": (Segment("u", "v"), Segment("w", "x"))}
        through = {"cell": f"through {pair}", "second": SecondLeg(pivot=pivot)}
        found += [task, task.model_copy(update=shown), task.model_copy(update=through)]
    return found


def outcomes(blobs: BlobStore, leases: Sequence[Sequence[CellTask]]) -> dict[str, CellOutcome]:
    worker = Worker(blobs.url)
    found = [each for lease in leases for group in worker.run(Lease(tasks=tuple(lease))) for each in group]
    assert not [each for each in found if isinstance(each, CellFailure)]
    return {each.translation.cell_id: each for each in found if isinstance(each, CellOutcome)}


def test_a_cell_is_the_same_whatever_it_is_leased_with(
    blobs: BlobStore, tiny_model: Callable[[str], Path], tmp_path: Path
) -> None:
    path = CTranslate2Engine.prepare(Checkpoint(id="m", model=str(tiny_model("xglm"))), DECODING, tmp_path)
    cells = tasks(blobs, PreparedModel(model="m", engine="ctranslate2", path=path, batch_invariant=True))
    alone = outcomes(blobs, [[task] for task in cells])
    assert any(each.translation.too_long for each in alone.values())
    assert len({each.translation.hypotheses for each in alone.values()}) > 6, "the cells differ"
    for leases in ([cells], [cells[::-1]], [cells[:5], cells[5:]]):
        together = outcomes(blobs, leases)
        for cell, outcome in alone.items():
            assert together[cell].translation.hypotheses == outcome.translation.hypotheses
            assert together[cell].scores == outcome.scores


class Counting(EchoEngine):
    """Echoes, counts what it is asked, and fails where it is told to."""

    asked: list[list[Request]]

    def __init__(self, *arguments: object) -> None:
        self.asked, self.bad = [], ""

    def translate_requests(self, requests: Sequence[Request]) -> list[Hypothesis]:
        self.asked.append(list(requests))
        if any(self.bad and self.bad in request.source for request in requests):
            raise ModelError("this sentence is too much.")
        return [Hypothesis(request.source, "stop", len(request.source)) for request in requests]


def steps(*rounds: Sequence[str]) -> Steps:
    found: list[Hypothesis] = []
    for sources in rounds:
        found = yield [Request(Pair("en", "de"), source, source) for source in sources]
    return found


def test_what_several_cells_ask_for_is_decoded_once_and_its_time_is_shared_by_tokens() -> None:
    engine = Counting()
    cells = {"a": steps(["one", "two"], ["four"]), "b": steps(["two", "three and more"]), "c": steps([])}
    found = dict(decode_together(engine, cells))
    assert [[each.source for each in asked] for asked in engine.asked] == [["one", "two", "three and more"], ["four"]]
    texts = {cell: [each.text for each in it.hypotheses] for cell, it in found.items() if isinstance(it, Decoded)}
    assert texts == {"a": ["four"], "b": ["two", "three and more"], "c": []}


def test_a_sentence_that_cannot_be_decoded_fails_its_own_cell() -> None:
    engine = Counting()
    engine.bad = "bad"
    cells = {"a": steps(["one"]), "b": steps(["bad"]), "c": steps(["three"], ["four"])}
    found = dict(decode_together(engine, cells))
    assert str(found.pop("b")) == "this sentence is too much."
    assert not [each for each in found.values() if isinstance(each, Exception)]


@pytest.mark.parametrize("error", [WorkerDiedError("its process was killed"), OSError(28, "No space left on device")])
def test_what_meets_every_cell_ends_the_lease(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: Counting, requests: Sequence[Request]) -> list[Hypothesis]:
        raise error

    monkeypatch.setattr(Counting, "translate_requests", fails)
    with pytest.raises(type(error)):
        list(decode_together(Counting(), {"a": steps(["one"]), "b": steps(["two"])}))


def test_cells_come_back_in_groups_and_those_that_fail_say_why(
    blobs: BlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = plugins.load
    monkeypatch.setattr(plugins, "load", lambda group, name: Counting if group == "engines" else real(group, name))
    cells = tasks(blobs, PreparedModel(model="m", engine="echo", path=tmp_path))[:3]
    lost = cells[1].model_copy(update={"test": "0" * 64})

    def groups(seconds: float) -> Iterator[list[CellOutcome | CellFailure]]:
        monkeypatch.setattr(worker_module, "GROUP_SECONDS", seconds)
        return Worker(blobs.url).run(Lease(tasks=(cells[0], lost, cells[2])))

    assert [len(group) for group in groups(0.0)] == [2, 1]
    (group,) = groups(60.0)
    failures = [each for each in group if isinstance(each, CellFailure)]
    assert [each.cell for each in failures] == [lost.cell]
    assert "is not in" in failures[0].reason
    assert failures[0].detail is None, "a sentence was foreseen"
    done = [each for each in group if isinstance(each, CellOutcome)]
    assert all(0 < each.busy < 60 and each.began <= each.ended for each in done)
