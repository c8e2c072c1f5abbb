"""The protocol over a pipe: answers, streams, errors as sentences, deaths by name, an end with the parent."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from dragoman.environments import (
    PipeWorker,
    WorkerDiedError,
    WorkerError,
    WorkerMemoryError,
    WorkerMissingError,
    WorkerRefusedError,
    pipe_worker,
)
from dragoman.environments.workers import channel

WORKER = Path(__file__).parent / "echo_worker.py"
PATIENCE = 20.0


@pytest.fixture
def worker() -> Iterator[PipeWorker]:
    with PipeWorker(Path(sys.executable), WORKER, name="echo", threads=3) as started:
        yield started


def test_what_json_holds_comes_back_though_libraries_print(worker: PipeWorker) -> None:
    said = {"text": "ሰላም \U0001f9d5 \ud800 \n\r\u2028", "numbers": [1, 2.5, None], "large": "x" * 300_000}
    assert worker.ask("echo", said) == said
    assert worker.ask("echo", said) == said


def test_several_answers_are_streamed_and_none_is_none(worker: PipeWorker) -> None:
    assert list(worker.stream("count", 4)) == [0, 1, 2, 3]
    assert worker.ask("count", 0) is None


def test_a_stream_that_was_left_does_not_mix_with_the_next(worker: PipeWorker) -> None:
    for first in worker.stream("count", 1000):
        assert first == 0
        break
    assert worker.ask("echo", "next") == "next"


def test_it_imports_nothing_of_dragoman_but_the_workers(worker: PipeWorker) -> None:
    assert worker.ask("modules") == [
        "dragoman",
        "dragoman.environments",
        "dragoman.environments.workers",
        "dragoman.environments.workers.channel",
        "dragoman_worker",
    ]


def test_threads_and_variables_are_its_own(worker: PipeWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["OMP_NUM_THREADS", "PYTHONPATH", "TOKENIZERS_PARALLELISM"]
    assert worker.ask("environment", asked) == {
        "OMP_NUM_THREADS": "3",
        "PYTHONPATH": None,
        "TOKENIZERS_PARALLELISM": "false",
    }
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with PipeWorker(Path(sys.executable), WORKER, name="echo", variables={"EXTRA": "e"}) as other:
        assert other.ask("environment", ["PYTHONPATH", "HF_HUB_OFFLINE", "EXTRA"]) == {
            "PYTHONPATH": None,
            "HF_HUB_OFFLINE": "1",
            "EXTRA": "e",
        }


def test_errors_are_sentences_and_it_lives_on(worker: PipeWorker) -> None:
    with pytest.raises(WorkerRefusedError, match=r"^That can't be had: ask for something else\.$"):
        worker.ask("refuse")
    with pytest.raises(WorkerMissingError, match=r"^That is not there: fetch it\.$"):
        worker.ask("missing")
    with pytest.raises(WorkerError, match=r"environment echo failed \(ValueError: no such value\)"):
        worker.ask("fail")
    assert worker.ask("echo", 1) == 1


def test_memory_that_runs_out_is_named_while_it_lives_on(worker: PipeWorker) -> None:
    with pytest.raises(WorkerMemoryError, match="environment echo ran out of memory"):
        worker.ask("fill", 1 << 34)
    assert worker.is_alive


def test_a_death_by_signal_is_named(worker: PipeWorker) -> None:
    with pytest.raises(WorkerDiedError, match="ended with SIGSEGV"):
        worker.ask("signal", int(signal.SIGSEGV))
    with pytest.raises(WorkerDiedError, match="SIGSEGV"):
        worker.ask("echo", 1)


def test_an_end_is_told_with_its_last_words(worker: PipeWorker) -> None:
    with pytest.raises(WorkerDiedError, match="ended with exit code 7; its last words: the reason for it"):
        worker.ask("exit", 7)


@pytest.mark.parametrize(
    ("counted", "kind", "sentence"),
    [
        ([3, 4], WorkerMemoryError, r"ran out of memory \(the system killed it\): run fewer of them"),
        ([3, 3], WorkerDiedError, r"was killed \(SIGKILL\): by somebody, or by the system for want of memory"),
    ],
)
def test_a_kill_is_one_by_memory_if_the_kernel_has_counted_one(
    counted: list[int], kind: type[WorkerError], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = iter(counted)
    monkeypatch.setattr(pipe_worker, "kills", lambda: next(counts))
    with PipeWorker(Path(sys.executable), WORKER, name="echo") as worker, pytest.raises(kind, match=sentence):
        worker.ask("signal", int(signal.SIGKILL))


def test_silence_ends_it(worker: PipeWorker) -> None:
    with pytest.raises(WorkerDiedError, match=r"said nothing for 0\.2 s, and was ended"):
        worker.ask("sleep", 600, silence_seconds=0.2)
    assert not worker.is_alive


def test_closing_ends_what_it_started() -> None:
    worker = PipeWorker(Path(sys.executable), WORKER, name="echo")
    started = worker.ask("child")
    worker.close()
    assert gone(*started.values())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_its_parent_in_the_middle_of_a_computation(number: signal.Signals) -> None:
    code = (
        "import sys; from pathlib import Path; from dragoman.environments import PipeWorker\n"
        f"worker = PipeWorker(Path(sys.executable), Path({str(WORKER)!r}), name='echo')\n"
        "started = worker.ask('child'); print(started['own'], started['child'], flush=True)\n"
        "worker.ask('sleep', 600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    own, child = map(int, parent.stdout.readline().split())
    assert psutil.pid_exists(own)
    parent.send_signal(number)
    parent.wait()
    parent.stdout.close()
    assert gone(own, child)


def test_another_version_of_the_protocol_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "PROTOCOL", 2)
    with pytest.raises(WorkerError, match="speaks version 1 of the protocol, and this Dragoman version 2"):
        PipeWorker(Path(sys.executable), WORKER, name="echo")


def test_a_worker_that_lacks_a_package_is_a_sentence(tmp_path: Path) -> None:
    lacking = tmp_path / "lacking.py"
    lacking.write_text("class Worker:\n    packages = ('no-such-package',)\n")
    with pytest.raises(WorkerError, match=r"environment x can't run its worker .*no-such-package is not installed"):
        PipeWorker(Path(sys.executable), lacking, name="x")
    lacking.write_text("import no_such_module\n")
    with pytest.raises(WorkerError, match="No module named 'no_such_module'"):
        PipeWorker(Path(sys.executable), lacking, name="x")


def test_a_python_that_is_gone_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match=r"can't be started .*dragoman env remove x"):
        PipeWorker(tmp_path / "bin" / "python", WORKER, name="x")


def gone(*numbers: int) -> bool:
    """Whether processes are no more, or only wait to be fetched by whoever inherited them."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if not any(lives(number) for number in numbers):
            return True
        time.sleep(0.05)
    return False


def lives(number: int) -> bool:
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_no_descriptor_is_left() -> None:
    before = descriptors()
    for _ in range(3):
        PipeWorker(Path(sys.executable), WORKER, name="echo").close()
    assert descriptors() == before


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
