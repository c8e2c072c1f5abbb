"""What is sent to a cluster, what stays here, and what a cluster may answer."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from dragoman.settings import Settings, settings
from dragoman_jobs.cluster.base import ClusterError, Share
from dragoman_jobs.cluster.ray_jobs_api import RayJobs, auth_token
from dragoman_jobs.driver import entrypoint
from dragoman_jobs.driver.submission import sent

FAR = "http://ray.example.org:8265"


def test_settings_travel_and_those_with_a_password_do_not(tmp_path: Path) -> None:
    settings = Settings(
        home=tmp_path, store="postgresql://ada:hush@db.example.org/grids", blobs="s3://bucket/blobs",
        mlflow="http://mlflow.example.org:5000", worker_gpus=0.5, ray=FAR, users="sqlite:///users.db",
    )  # fmt: skip
    environment, withheld = sent(settings, FAR)
    assert environment == {
        "DRAGOMAN_HOME": str(tmp_path), "DRAGOMAN_BLOBS": "s3://bucket/blobs",
        "DRAGOMAN_MLFLOW": "http://mlflow.example.org:5000", "DRAGOMAN_WORKER_GPUS": "0.5",
    }  # fmt: skip
    assert withheld == ("store",)


def test_what_is_said_of_an_endpoint_travels_and_its_key_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "https://ada:hush@models.example.org/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1234567890")
    monkeypatch.setenv("DRAGOMAN_OPENAI_BUDGET", "12.5")
    environment, withheld = sent(Settings(home=tmp_path), "http://127.0.0.1:8265")
    assert environment["DRAGOMAN_OPENAI_BUDGET"] == "12.5"
    assert not any("hush" in value or "sk-" in value for value in environment.values())
    assert withheld == ("OPENAI_BASE_URL",)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ["setting store is a file", "DRAGOMAN_STORE"]),
        ({"store": "postgresql://db/grids"}, ["setting mlflow is a file", "DRAGOMAN_MLFLOW"]),
    ],
)
def test_a_store_that_a_far_cluster_can_not_reach_is_a_sentence(
    tmp_path: Path, changes: dict[str, str], words: list[str]
) -> None:
    with pytest.raises(ClusterError) as caught:
        sent(Settings(home=tmp_path, **changes), FAR)
    assert all(word in str(caught.value) for word in words)


def test_a_file_will_do_for_a_cluster_on_this_machine(tmp_path: Path) -> None:
    environment, withheld = sent(Settings(home=tmp_path), "http://127.0.0.1:8265")
    assert environment["DRAGOMAN_STORE"] == f"sqlite:///{tmp_path}/store.db"
    assert not withheld


class _Dashboard(BaseHTTPRequestHandler):
    """Answers as told."""

    answers: ClassVar[dict[str, tuple[int, str]]] = {}
    asked: ClassVar[list[tuple[str, str | None, str]]] = []

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.asked.append((f"{self.command} {self.path}", self.headers.get("Authorization"), body))
        status, text = self.answers.get(self.path.partition("?")[0], (404, "no such thing"))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = _answer  # noqa: N815
    do_POST = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def dashboard() -> Iterator[str]:
    _Dashboard.answers, _Dashboard.asked = {}, []
    with HTTPServer(("127.0.0.1", 0), _Dashboard) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_token_goes_with_every_question(dashboard: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-a-file\n")
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    _Dashboard.answers = {"/api/version": (200, "{}"), "/api/jobs/": (200, "{}")}
    RayJobs(f"{dashboard}/").check()
    monkeypatch.setenv("RAY_AUTH_TOKEN", "given")
    RayJobs(dashboard).submit("name", "command", {"A": "1"}, {"dragoman.grid": "g"})
    (_, first, _), (line, second, body) = _Dashboard.asked
    assert (first, line, second) == ("Bearer from-a-file", "POST /api/jobs/", "Bearer given")
    assert json.loads(body) == {
        "submission_id": "name", "entrypoint": "command", "runtime_env": {"env_vars": {"A": "1"}},
        "metadata": {"dragoman.grid": "g"},
    }  # fmt: skip


def test_a_token_that_can_not_be_read_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"\xff\xfe")
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    with pytest.raises(ClusterError, match=r"can't be read from .*token .*set RAY_AUTH_TOKEN"):
        auth_token()

    def refuse(self: Path, **_: object) -> str:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(ClusterError, match=r"can't be read from .*Permission denied"):
        auth_token()


def test_a_driver_without_its_store_ends_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DRAGOMAN_STORE", f"sqlite:///{tmp_path}/nothing.db")
    settings.cache_clear()
    try:
        assert entrypoint.main("grid", 1) == 2
    finally:
        settings.cache_clear()
    assert capsys.readouterr().err.startswith("dragoman: There is no store at")


@pytest.mark.parametrize(
    ("status", "text", "words"),
    [
        (401, "", "wants a token: set RAY_AUTH_TOKEN"),
        (403, "", "refuses the token: set RAY_AUTH_TOKEN"),
        (500, "Traceback\nmore", r"answered GET /api/version with 500 \(Traceback\)"),
        (200, "<html>", "is no Ray dashboard"),
    ],
)
def test_what_a_cluster_may_answer_is_a_sentence(dashboard: str, status: int, text: str, words: str) -> None:
    _Dashboard.answers = {"/api/version": (status, text)}
    with pytest.raises(ClusterError, match=words) as caught:
        RayJobs(dashboard).check()
    assert "\n" not in str(caught.value)


def test_a_second_answer_to_one_submission_is_the_first(dashboard: str) -> None:
    _Dashboard.answers = {"/api/jobs/": (500, "ValueError: Job with submission_id name already exists.")}
    RayJobs(dashboard).submit("name", "command", {}, {})


def test_what_ray_has_forgotten_is_none(dashboard: str) -> None:
    assert RayJobs(dashboard).job("gone") is None
    assert RayJobs(dashboard).log("gone") == ""


def test_nodes_that_are_alive_are_counted(dashboard: str) -> None:
    nodes = [
        {"state": "ALIVE", "resources_total": {"CPU": 4.0, "GPU": 1.0, "memory": 1e9}},
        {"state": "DEAD", "resources_total": {"CPU": 9.0}},
        {"state": "ALIVE", "resources_total": {"memory": 1e9}},
    ]
    _Dashboard.answers = {"/api/v0/nodes": (200, json.dumps({"data": {"result": {"result": nodes}}}))}
    assert RayJobs(dashboard).nodes() == [Share(4.0, 1.0), Share(0.0, 0.0)]
