"""Throughput of COMET beside `comet-score`: the same sentences, model, device and environment, in one run.

`python benchmarks/neural.py [--sentences N] [--layers N] [--hidden N] [--rounds N]`

The model is a random XLM-R as a regression checkpoint, made on the spot. comet-score's side is what that command does
after it has loaded the model (its embedding cache on, batches of 16, sorted by length): for one system, for three
systems in three commands, and for three in one command. Both sides compute on one thread; seconds of the processor are
given beside those of the clock, since other work on the machine disturbs only the latter.
"""

import argparse
import json
import os
import random
import subprocess
import tempfile
import time
from pathlib import Path

import psutil

from dragoman.environments import PipeWorker, install
from dragoman.environments.environment import COMET
from dragoman.environments.workers import channel
from dragoman.settings import settings

HERE = Path(__file__).parent
MAKER = HERE.parent / "tests" / "platform" / "environments" / "tiny_comet.py"

THEIRS = """
import json, logging, sys, time, warnings
warnings.filterwarnings("ignore"); logging.disable(logging.ERROR)
import torch
from comet import load_from_checkpoint
torch.set_num_threads(1); torch.set_float32_matmul_precision("high")
checkpoint, data = sys.argv[1], json.load(open(sys.argv[2]))
def samples(mt):
    return [dict(src=s, mt=m, ref=r) for s, m, r in zip(data["src"], mt, data["ref"])]
def fresh():
    model = load_from_checkpoint(checkpoint); model.eval(); model.set_embedding_cache()
    type(model).retrieve_sentence_embedding.cache_clear()
    return model
def timed(model, systems):
    wall, cpu = time.perf_counter(), time.process_time()
    for mt in systems:
        model.predict(samples(mt), batch_size=16, gpus=0, progress_bar=False)
    return time.perf_counter() - wall, time.process_time() - cpu
fresh().predict(samples(data["mt"][0])[:16], batch_size=16, gpus=0, progress_bar=False)
alone = [timed(fresh(), [mt]) for mt in data["mt"]]
together = timed(fresh(), data["mt"])
print(json.dumps({"one": alone[0], "three commands": [sum(each) for each in zip(*alone)], "one command": together}))
"""


def texts(count: int, seed: int) -> list[str]:
    """Sentences of a length that news has, of words that are drawn."""
    chosen = random.Random(seed)
    words = ["".join(chosen.choices("abcdefghijklmnoprstu", k=chosen.randint(2, 9))) for _ in range(800)]
    return [" ".join(chosen.choices(words, k=max(2, round(chosen.gauss(14, 6))))) for _ in range(count)]


def ours(python: Path, checkpoint: Path, data: dict[str, list[str]], systems: int, cache: Path) -> tuple[float, float]:
    """Seconds of the clock and of the processor for so many systems, after the model is loaded."""
    worker = PipeWorker(python, Path(channel.__file__).parent / "comet_worker.py", name="comet")
    with worker:
        wanted = {"checkpoint": str(checkpoint), "revision": None, "may_fetch": False, "cache": str(cache)}
        tokens = settings().metric_batch_tokens
        load = {"wanted": wanted, "device": "cpu", "precision": "float32", "threads": 1, "batch_tokens": tokens}
        worker.ask("load", load)
        first = {"sources": data["src"][:16], "hypotheses": data["mt"][0][:16], "references": data["ref"][:16]}
        worker.ask("score", {name: [f"{text} x" for text in lines] for name, lines in first.items()})
        used = psutil.Process(worker.pid).cpu_times()
        wall = time.perf_counter()
        for mt in data["mt"][:systems]:
            worker.ask("score", {"sources": data["src"], "hypotheses": mt, "references": data["ref"]})
        wall = time.perf_counter() - wall
        after = psutil.Process(worker.pid).cpu_times()
    return wall, after.user + after.system - used.user - used.system


def main() -> None:
    """Measure, and print sentences per second and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=int, default=300)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=2)
    asked = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    built = install(COMET, home=settings().home)
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sides = {"src": texts(asked.sentences, 1), "ref": texts(asked.sentences, 2)}
        systems = [texts(asked.sentences, 3 + number) for number in range(3)]
        (folder / "texts.txt").write_text("\n".join([*sides["src"], *sides["ref"]]))
        made = [str(built.python), str(MAKER), name, str(asked.hidden), str(asked.layers), "regression"]
        subprocess.run(made, check=True, capture_output=True)
        checkpoint = folder / "regression" / "checkpoints" / "model.ckpt"
        data = {**sides, "mt": systems}
        (folder / "data.json").write_text(json.dumps(data))
        best: dict[str, tuple[float, float]] = {}
        for _ in range(asked.rounds):
            command = [str(built.python), "-c", THEIRS, str(checkpoint), str(folder / "data.json")]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            found = {f"comet-score, {key}": tuple(value) for key, value in json.loads(said.splitlines()[-1]).items()}
            found["dragoman, one"] = ours(built.python, checkpoint, data, 1, folder / "cache")
            found["dragoman, three"] = ours(built.python, checkpoint, data, 3, folder / "cache")
            for key, value in found.items():
                best[key] = tuple(map(min, best.get(key, value), value))
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")
    rates = {}
    for key, (wall, cpu) in best.items():
        count = asked.sentences * (1 if key.endswith("one") else 3)
        rates[key] = (count / wall, count / cpu)
        print(f"{key:28} {count / wall:8.1f} sentences/s of the clock  {count / cpu:8.1f} of the processor")
    for one, other in (
        ("dragoman, one", "comet-score, one"),
        ("dragoman, three", "comet-score, three commands"),
        ("dragoman, three", "comet-score, one command"),
    ):
        clock, processor = (mine / theirs for mine, theirs in zip(rates[one], rates[other], strict=True))
        print(f"{one} / {other}: {clock:.2f} times by the clock, {processor:.2f} by the processor")


if __name__ == "__main__":
    main()
