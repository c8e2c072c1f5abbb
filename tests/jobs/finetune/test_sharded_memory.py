"""Workers that train all weights together hold their shares alone, from the first to the last byte that they read."""

import ctypes
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import distributed
from transformers import AutoTokenizer, XGLMConfig, XGLMForCausalLM

from dragoman.spec.method import Full
from dragoman_jobs.finetune.examples import TrainingExample
from dragoman_jobs.finetune.trainer import Training

METHOD = Full(learning_rate=1e-3, steps=4, batch_tokens=256)
_LARGE_PIECES = -3, 2**16
"""`M_MMAP_THRESHOLD` of glibc's `mallopt`: larger pieces go back to the system as soon as they are freed."""

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["dragoman_jobs.finetune.loop", "transformers.models.xglm.modeling_xglm"])


class Peaks(NamedTuple):
    """The most memory a worker had at a time, above what it had before, in bytes: none of it of files."""

    loading: int
    training: int
    losses: list[float]


class Watch:
    """Looks at this process's memory all the time."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._most = self._before = self._now()

    @staticmethod
    def _now() -> int:
        lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        return int(lines["RssAnon"].split()[0]) * 1024

    @contextmanager
    def looking(self) -> Iterator[None]:
        thread = threading.Thread(target=self._look)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()
            self._over.clear()

    def _look(self) -> None:
        while not self._over.is_set():
            self._most = max(self._most, self._now())
            time.sleep(0.002)

    @property
    def most(self) -> int:
        return self._most - self._before


def be_worker(
    number: int, count: int, folder: Path, base: Path, examples: list[TrainingExample], say: Connection
) -> None:
    ctypes.CDLL(None).mallopt(*_LARGE_PIECES)
    torch.set_num_threads(1)
    if count > 1:
        distributed.init_process_group("gloo", init_method=f"file://{folder / 'meet'}", rank=number, world_size=count)
    watch = Watch()
    with watch.looking():
        training = Training(str(base), None, examples, METHOD, 7, "cpu")
        training.share_out()
    loading = watch.most
    with watch.looking():
        losses = [progress.loss for progress in training.run(folder / "checkpoints", 10**9, 1e9)]
    say.send(Peaks(loading, watch.most, losses))


def train_on(count: int, folder: Path, base: Path, examples: list[TrainingExample]) -> list[Peaks]:
    folder.mkdir()
    workers, found = [], []
    for number in range(count):
        hear, say = _context.Pipe(duplex=False)
        worker = _context.Process(target=be_worker, args=(number, count, folder, base, examples, say))
        worker.start()
        say.close()
        workers.append((worker, hear))
    for worker, hear in workers:
        found.append(hear.recv())
        worker.join()
    return found


@pytest.fixture(scope="module")
def large(base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A model in several files of bfloat16, and the bytes of its weights in float32, as they are trained."""
    folder = tmp_path_factory.mktemp("large")
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = XGLMForCausalLM(
        XGLMConfig(
            vocab_size=len(tokenizer), d_model=384, ffn_dim=1536, num_layers=16, attention_heads=6, dropout=0.0,
            attention_dropout=0.0, activation_dropout=0.0, max_position_embeddings=64, bos_token_id=0, pad_token_id=1,
            eos_token_id=2, decoder_start_token_id=2,
        )
    )  # fmt: skip
    model.to(torch.bfloat16).save_pretrained(folder, max_shard_size="15MB")
    tokenizer.save_pretrained(folder)
    return folder, 4 * model.num_parameters()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_workers_memory_is_that_of_its_share(
    large: tuple[Path, int], make_examples: Callable[[int], list[TrainingExample]], tmp_path: Path
) -> None:
    base, size = large
    examples = make_examples(60)
    found = {count: train_on(count, tmp_path / str(count), base, examples) for count in (1, 2, 4)}
    for count, workers in found.items():
        most = [max(each[place] for each in workers) / size for place in (0, 1)]
        print(f"{count} workers: {most[0]:.2f} of the model's bytes to load it, {most[1]:.2f} to train it")
    (alone,) = found[1]
    assert alone.loading > size and alone.training > 4 * size * 0.95, "weights, gradients and two moments"
    for count in (2, 4):
        for worker in found[count]:
            # its share, beside the layer that is gathered at the time
            assert worker.loading < (1 / count + 0.35) * size < size
            assert worker.training < (4 / count + 1) * size < 4 * size
            assert worker.losses == pytest.approx(alone.losses, rel=1e-4)
