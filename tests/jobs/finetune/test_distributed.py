"""Several workers train what one would: the same steps but for rounding, whoever dies in between."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import distributed

from dragoman.errors import DragomanError, ModelError
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.spec.method import Full, Lora, Selection
from dragoman_jobs.finetune.checkpoint_selection import DevPair
from dragoman_jobs.finetune.examples import TrainingExample
from dragoman_jobs.finetune.loop import finetune
from dragoman_jobs.finetune.loss import TargetLoss
from dragoman_jobs.finetune.result import FinetuneResult

pytestmark = pytest.mark.slow

Examples = Callable[[int], list[TrainingExample]]

FULL = Full(learning_rate=5e-3, steps=8, batch_tokens=128, warmup_steps=2, weight_decay=0.01)
LORA = Lora(kind="lora", learning_rate=1e-2, steps=8, batch_tokens=128, rank=4, alpha=8)
DEV = [
    DevPair(pair, partition, ("[a]: eins zwei [b]:", "[a]: un [b]:"), ("eins zwei", "un"), ("zwei eins", "un"))
    for pair, partition in (
        (Pair("de", "fr"), Partition.SEEN),
        (Pair("fr", "de"), Partition.SEEN),
        (Pair("de", "ru"), Partition.RECOMBINED),
    )
]

# a server that has everything imported starts a worker at once, and is not the test's process, which has threads
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["dragoman_jobs.finetune.loop"])


def train(base: Path, examples: list[TrainingExample], method: Full | Lora, out: Path, **more: Any) -> list[float]:
    kill = more.pop("kill", None)
    if more.pop("starve", False):
        TargetLoss.backward = starve  # type: ignore[method-assign]
    losses = []
    for progress in finetune(str(base), None, examples, method, 7, out, **{"checkpoint_every": 3, **more}):
        losses.append(progress.loss)
        if kill == progress.step:
            os.kill(os.getpid(), signal.SIGKILL)
    return losses


def starve(*_: Any) -> float:
    raise torch.OutOfMemoryError("CUDA out of memory.")


def be_worker(number: int, count: int, meet: Path, say: Connection, job: dict[str, Any]) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{meet}", rank=number, world_size=count)
    try:
        say.send(train(**job))
    except DragomanError as error:
        say.send(error)


def train_together(tmp_path: Path, *jobs: dict[str, Any]) -> list[list[float] | DragomanError | None]:
    """What became of each job, each on a worker of its own; None where it died."""
    meet = tmp_path / f"meet-{len(list(tmp_path.glob('meet-*')))}"
    workers = []
    for number, job in enumerate(jobs):
        hear, say = _context.Pipe(duplex=False)
        worker = _context.Process(target=be_worker, args=(number, len(jobs), meet, say, job))
        worker.start()
        say.close()
        workers.append((worker, hear))
    found = []
    for worker, hear in workers:
        try:
            found.append(hear.recv())
        except EOFError:
            found.append(None)
        worker.join()
    meet.touch()
    return found


def job(base: Path, examples: list[TrainingExample], method: Full | Lora, out: Path, **more: Any) -> dict[str, Any]:
    return {"base": base, "examples": examples, "method": method, "out": out, **more}


def weights(folder: Path) -> dict[str, torch.Tensor]:
    (path,) = folder.glob("*.safetensors")
    return load_file(path)


def check_alike(one: Path, several: Path) -> None:
    left, right = weights(one), weights(several)
    assert left.keys() == right.keys()
    assert all(torch.allclose(left[name], right[name], atol=2e-3) for name in left)
    assert {path.name for path in one.iterdir()} == {path.name for path in several.iterdir()}
    first, second = FinetuneResult.load(one), FinetuneResult.load(several)
    unlike = {"seconds", "losses", "dev"}
    assert first.model_dump(exclude=unlike) == second.model_dump(exclude=unlike)
    assert [point.loss for point in second.losses] == pytest.approx([point.loss for point in first.losses], rel=1e-4)


@pytest.fixture(scope="module")
def train_alone(
    still: Path, make_examples: Examples, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Full | Lora], tuple[Path, list[float]]]:
    """The folder and the losses of one worker alone, trained once for each method."""
    done: dict[str, tuple[Path, list[float]]] = {}

    def find(method: Full | Lora) -> tuple[Path, list[float]]:
        key = method.model_dump_json()
        if key not in done:
            folder = tmp_path_factory.mktemp("alone") / "one"
            done[key] = folder, train(still, make_examples(40), method, folder)
        return done[key]

    return find


@pytest.mark.parametrize(
    ("method", "count"),
    [
        (FULL, 2),
        (LORA, 2),
        (FULL.model_copy(update={"batch_tokens": 64, "accumulation": 2, "gradient_checkpointing": True}), 3),
    ],
    ids=["full", "lora", "fewer rows than workers"],
)
def test_several_workers_take_the_steps_of_one(
    method: Full | Lora, count: int, still: Path, make_examples: Examples, train_alone: Any, tmp_path: Path
) -> None:
    one, alone = train_alone(method)
    found = train_together(tmp_path, *[job(still, make_examples(40), method, tmp_path / "several")] * count)
    assert found == [found[0]] * count
    assert found[0] == pytest.approx(alone, rel=1e-4)
    check_alike(one, tmp_path / "several")


@pytest.mark.parametrize("method", [FULL, LORA], ids=["full", "lora"])
def test_a_worker_is_killed_and_all_go_on_to_the_same_bytes(
    method: Full | Lora, base: Path, make_examples: Examples, tmp_path: Path
) -> None:
    jobs = [job(base, make_examples(40), method, tmp_path / "disturbed")] * 2
    assert train_together(tmp_path, jobs[0], {**jobs[1], "kill": 5}) == [None, None]
    left = tmp_path / "disturbed.partial" / "checkpoint-3"
    names = {name for path in left.glob("*.safetensors") for name in load_file(path)}
    assert {name.rpartition("/")[2] for name in names if "/" in name} == {"step", "exp_avg", "exp_avg_sq"}
    resumed = train_together(tmp_path, *jobs)
    assert [len(losses or ()) for losses in resumed] == [5, 5]  # steps 4 to 8
    whole = [{**each, "out": tmp_path / "undisturbed"} for each in jobs]
    train_together(tmp_path, *whole)
    left_bytes, right_bytes = (
        {path.name: path.read_bytes() for path in (tmp_path / name).glob("*.safetensors")}
        for name in ("disturbed", "undisturbed")
    )
    assert left_bytes == right_bytes


@pytest.mark.parametrize("method", [FULL, LORA], ids=["full", "lora"])
@pytest.mark.parametrize(("before", "after"), [(2, 1), (1, 2)])
def test_another_number_of_workers_goes_on(
    method: Full | Lora, before: int, after: int, still: Path, make_examples: Examples, train_alone: Any, tmp_path: Path
) -> None:
    one, _ = train_alone(method)
    begun = job(still, make_examples(40), method, tmp_path / "several")
    train_together(tmp_path, *[{**begun, "kill": 5}] * before)
    assert [len(losses or ()) for losses in train_together(tmp_path, *[begun] * after)] == [5] * after
    check_alike(one, tmp_path / "several")


def test_the_best_checkpoint_is_chosen_together(still: Path, make_examples: Examples, tmp_path: Path) -> None:
    method = FULL.model_copy(update={"selection": Selection(every=2, sentences=2, max_new_tokens=6)})
    train(still, make_examples(40), method, tmp_path / "one", dev=DEV)
    train_together(tmp_path, *[job(still, make_examples(40), method, tmp_path / "several", dev=DEV)] * 2)
    one, several = (FinetuneResult.load(tmp_path / name) for name in ("one", "several"))
    assert [look.step for look in several.dev] == [2, 4, 6, 8]
    assert several.dev == one.dev
    check_alike(tmp_path / "one", tmp_path / "several")


def test_checkpoints_by_the_clock_are_made_together(still: Path, make_examples: Examples, tmp_path: Path) -> None:
    """By the first one's: the other's would make none."""
    jobs = [
        job(still, make_examples(40), LORA, tmp_path / "model", checkpoint_every=99, checkpoint_seconds=seconds)
        for seconds in (0, 1e9)
    ]
    train_together(tmp_path, *({**each, "kill": 5} for each in jobs))
    assert [path.name for path in (tmp_path / "model.partial").glob("checkpoint-*")] == ["checkpoint-5"]
    assert [len(losses or ()) for losses in train_together(tmp_path, *jobs)] == [3, 3]


def test_a_worker_without_memory_dies_so_that_the_others_do_not_wait_for_it(
    still: Path, make_examples: Examples, tmp_path: Path
) -> None:
    here = job(still, make_examples(40), LORA, tmp_path / "model")
    assert train_together(tmp_path, here, {**here, "starve": True}) == [None, None]


def test_what_one_worker_fails_at_all_say(still: Path, make_examples: Examples, tmp_path: Path) -> None:
    here = job(still, make_examples(4), FULL, tmp_path / "model")
    found = train_together(tmp_path, here, {**here, "base": tmp_path / "nowhere"})
    assert all(isinstance(error, ModelError) and "nowhere" in str(error) for error in found)
    assert not list(tmp_path.glob("model*"))


def test_a_folder_that_is_not_shared_is_refused(still: Path, make_examples: Examples, tmp_path: Path) -> None:
    here = job(still, make_examples(4), FULL, tmp_path / "model")
    found = train_together(tmp_path, here, {**here, "out": tmp_path / "elsewhere" / "model"})
    assert {str(error).partition(":")[0] for error in found} == {
        f"1 of 2 training workers do not see what the first one writes into {tmp_path}"
    }
