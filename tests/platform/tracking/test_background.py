"""MLflow is away, comes back, refuses, hangs: the grid goes on, and all is written once."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dragoman.tracking import background
from dragoman.tracking.background import BackgroundTracker


class _Server:
    """A server that is there or not, and the tracker that writes to it."""

    def __init__(self) -> None:
        self.is_up = threading.Event()
        self.is_up.set()
        self.written: list[str] = []
        self.tried = threading.Semaphore(0)

    def write(self, what: str) -> Callable[[Any], None]:
        def job(_: Any) -> None:
            self.tried.release()
            if not self.is_up.is_set():
                raise ConnectionError("refused")
            self.written.append(what)

        return job


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Server]:
    made = _Server()
    monkeypatch.setattr(background, "answers", lambda _: made.is_up.is_set())
    monkeypatch.setattr(background, "_PAUSES", (0.01, 0.02))
    yield made


def _tracker(said: list[str]) -> BackgroundTracker:
    fake: Any = object
    return BackgroundTracker(fake, "http://ada:hush@mlflow.example.org", said.append)


def test_what_a_server_missed_is_written_once_it_is_back_and_in_order(server: _Server) -> None:
    said: list[str] = []
    tracker = _tracker(said)
    tracker.tell(server.write("first"))
    server.tried.acquire()
    server.is_up.clear()
    for what in ("second", "third"):
        tracker.tell(server.write(what))
    for _ in range(3):  # tried again and again
        server.tried.acquire()
    assert server.written == ["first"]
    server.is_up.set()
    assert tracker.close() == []
    assert server.written == ["first", "second", "third"]
    assert [line.partition(" ")[0] for line in said] == ["MLflow", "MLflow"]
    assert "does not answer" in said[0]
    assert "hush" not in said[0]
    assert "answers again" in said[1]


def test_a_server_that_never_comes_back_is_given_up_with_a_sentence(server: _Server) -> None:
    server.is_up.clear()
    tracker = _tracker([])
    tracker.tell(server.write("one"))
    server.tried.acquire()
    (complaint,) = tracker.close(away=0.05)
    assert tracker.unwritten == 1
    assert "`dragoman resume`" in complaint
    assert "hush" not in complaint


def test_what_is_refused_holds_nothing_up(server: _Server) -> None:
    def refused(_: Any) -> None:
        raise ValueError("too long\nand more")

    tracker = _tracker([])
    tracker.tell(refused)
    tracker.tell(server.write("after"))
    refusal, remedy = tracker.close()
    assert refusal == "MLflow refused a write: too long"
    assert "the next `dragoman resume` of the grid writes it" in remedy
    assert server.written == ["after"]
    assert not tracker.unwritten


def test_a_write_that_hangs_does_not_keep_the_grid(server: _Server) -> None:
    released = threading.Event()
    tracker = _tracker([])
    tracker.tell(lambda _: bool(released.wait(10)))
    assert len(tracker.close(busy=0.05)) == 1
    released.set()


def test_mlflow_that_can_not_be_used_at_all_is_one_sentence(server: _Server) -> None:
    def make() -> Any:
        raise PermissionError("401: sign in")

    tracker = BackgroundTracker(make, "http://mlflow.example.org", [].append)
    tracker.tell(server.write("one"))
    tracker.tell(server.write("two"))
    complaints = tracker.close()
    assert complaints[0] == "MLflow can't be used: 401: sign in"
    assert tracker.unwritten == 2
