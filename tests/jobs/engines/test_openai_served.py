"""The openai engine against servers that others wrote, on loopback: `transformers serve` and vLLM's."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from dragoman import environments
from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines.base import NO_ROOM, Hypothesis
from dragoman_jobs.engines.openai import OpenAIEngine
from dragoman_jobs.engines.transformers import TransformersEngine
from dragoman_jobs.engines.vllm import ON_CPUS, vllm_variables
from dragoman_jobs.models.checkpoint import Checkpoint
from dragoman_jobs.models.conversion import xglm_to_opt

PATIENCE = 200
"""Seconds for the server to be there: on a busy machine it imports for long."""
TEMPLATE = "</s>{{ messages[0]['content'] }}"
"""The prompt as the tokenizer encodes it without a template."""


@pytest.fixture
def chat_model(tiny_model: Callable[[str], Path], tmp_path: Path) -> Path:
    folder = shutil.copytree(tiny_model("llama"), tmp_path / "model")
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return folder


@contextmanager
def serving(command: Sequence[str | Path], folder: Path, **environment: str) -> Iterator[str]:
    """The address of a server, up to /v1; its process ends with the block.

    Args:
        command: starts it; the port is added.
        folder: where its log lies, and an empty cache of the hub.
        environment: further variables.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "hub").mkdir()
    mine = {"HF_HUB_CACHE": str(folder / "hub"), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", **environment}
    line = [*command, "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(line, env={**os.environ, **mine}, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + PATIENCE
        while not _answers(f"http://127.0.0.1:{port}/health"):
            assert server.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        os.killpg(server.pid, signal.SIGKILL)  # vLLM's has children
        server.wait()


@pytest.fixture
def address(chat_model: Path, tmp_path: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", chat_model]
    with serving([*command, "--device", "cpu", "--dtype", "float32"], tmp_path) as found:
        yield found


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


BUNDLED = Path(__file__).parents[3] / "examples" / "tiny-xglm"


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.xdist_group("vllm")
def test_a_server_of_vllms_writes_what_the_bundled_model_writes_here(vllm_home: Path, tmp_path: Path) -> None:
    """By way of OPT, which has the same logits; what is drawn is vLLM's own, and depends on seed and prompt alone."""
    folder = xglm_to_opt(BUNDLED, tmp_path / "opt")
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    installed = environments.installed(ON_CPUS, vllm_home)
    assert installed is not None
    command = [installed.python, "-m", "vllm.entrypoints.openai.api_server", "--model", folder]
    command += ["--served-model-name", "tiny", "--dtype", "float32", "--max-model-len", "256", "--enforce-eager"]
    prompts = [f"[English]: {number} Euro [French]:" for number in range(7, 19)]
    long = "[English]: " + "Euro " * 500 + "[French]:"

    def served(decoding: Decoding, address: str) -> list[Hypothesis]:
        checkpoint = Checkpoint(id="served", model="tiny", endpoint=address)
        engine = OpenAIEngine(OpenAIEngine.prepare(checkpoint, decoding, tmp_path / "cache"), decoding)
        found = engine.translate([*prompts, long])
        assert found.pop() == Hypothesis("", NO_ROOM, 0)
        assert engine.translate(prompts[::-1]) == found[::-1]
        return found

    with serving(command, tmp_path, VLLM_CPU_KVCACHE_SPACE="1", **vllm_variables(on_gpus=False)) as address:
        for decoding in (
            Decoding(max_new_tokens=12),
            Decoding(max_new_tokens=24, stop=["uro", "a"], stop_at_newline=False),
        ):
            here = Checkpoint(id="here", model=str(BUNDLED))
            expected = TransformersEngine(TransformersEngine.prepare(here, decoding, tmp_path / "cache"), decoding)
            found = served(decoding, address)
            assert found == expected.translate(prompts)
            assert len(set(found)) > 1
        drawn = served(Decoding(max_new_tokens=12, temperature=1.5, seed=5), address)
        assert len({each.text for each in drawn}) > 6
