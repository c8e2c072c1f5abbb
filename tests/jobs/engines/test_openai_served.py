"""The openai engine against a server that others wrote: `transformers serve`, on loopback, with a tiny model."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines.openai import OpenAIEngine
from dragoman_jobs.engines.transformers import TransformersEngine
from dragoman_jobs.models.checkpoint import Checkpoint

PATIENCE = 200
"""Seconds for the server to be there: on a busy machine it imports for long."""
TEMPLATE = "</s>{{ messages[0]['content'] }}"
"""The prompt as the tokenizer encodes it without a template."""


@pytest.fixture
def chat_model(tiny_model: Callable[[str], Path], tmp_path: Path) -> Path:
    folder = shutil.copytree(tiny_model("llama"), tmp_path / "model")
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return folder


@pytest.fixture
def address(chat_model: Path, tmp_path: Path) -> Iterator[str]:
    """The server's, up to /v1; its process ends with the test."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "hub").mkdir()
    environment = {**os.environ, "HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(chat_model)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + PATIENCE
        while not _answers(f"http://127.0.0.1:{port}/health"):
            assert server.poll() is None and time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.kill()
        server.wait()


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


def test_a_served_model_writes_what_it_writes_here(address: str, chat_model: Path, tmp_path: Path) -> None:
    prompts = [f"[English]: {number} Euro [French]:" for number in range(7, 12)]
    decoding = Decoding(max_new_tokens=20)
    here = Checkpoint(id="here", model=str(chat_model))
    expected = TransformersEngine(TransformersEngine.prepare(here, decoding, tmp_path / "cache"), decoding)
    served = Checkpoint(id="served", model=str(chat_model), endpoint=address)
    engine = OpenAIEngine(OpenAIEngine.prepare(served, decoding, tmp_path / "cache"), decoding)
    texts = [found.text for found in engine.translate(prompts)]
    assert texts == [found.text for found in expected.translate(prompts)]
    assert len(set(texts)) > 1
