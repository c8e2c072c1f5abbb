"""Alignment of 13 languages x 1,012 lines in a model and its base: `dragoman align` against a pair-by-pair script.

The script does what such scripts do: for each pair of languages it encodes both sides in padded batches, then measures.
Both compute the same measures with the same functions. Seconds of the clock depend on what else runs, and on how many
cores either uses; seconds of the processors, each with one thread, do not.

    OMP_NUM_THREADS=1 python benchmarks/alignment.py [--languages 13] [--lines 1012] [--script-pairs 0]

The lines are phrases of the embedded corpus, joined two by two where it has fewer. `--script-pairs N` runs the script
on N of the pairs of each model and multiplies: every pair costs it the same.
"""

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
import torch
from rich.console import Console

from dragoman.alignment.measures import Space, measured
from dragoman.alignment.parallel_lines import ParallelLines
from dragoman.corpora.factory import open_corpus
from dragoman.pair import Pair
from dragoman.segment import Split
from dragoman.settings import Settings
from dragoman.store.alignment_records import Pooling
from dragoman.store.records import ModelRecord
from dragoman.store.store import Store
from dragoman_jobs.alignment.measuring import AlignmentRun, Work, layers_of
from dragoman_jobs.alignment.subjects import Subject
from dragoman_jobs.cluster.ray_cluster import RayCluster
from dragoman_jobs.driver.progress import ProgressDisplay
from dragoman_jobs.models.checkpoint import Checkpoint

LANGUAGES = ["en", "de", "fr", "ca", "fi", "ru", "bg", "zh", "ko", "ar", "sw", "hi", "ta"]
BASE = Path(__file__).parents[1] / "examples" / "tiny-xglm"
BATCH = 32
"""Sentences of a batch of the script."""


def lines_of(languages: list[str], count: int) -> ParallelLines:
    """The same phrases of the embedded corpus in each language, each joined to another where there are too few."""
    corpus = open_corpus("cldr", {})
    by_row: dict[str, dict[int, str]] = {tag: {} for tag in languages}
    first = languages[0]
    for tag in languages[1:]:
        for located in corpus.located(Pair(first, tag), Split.TEST):
            assert located.row is not None
            by_row[first][located.row] = located.segment.source
            by_row[tag][located.row] = located.segment.target
    rows = sorted(set.intersection(*(set(its) for its in by_row.values())))
    chosen = [
        (rows[place % len(rows)], rows[(7 * place + 1 + place // len(rows)) % len(rows)]) for place in range(count)
    ]
    texts = {tag: tuple(f"{its[one]} {its[other]}" for one, other in chosen) for tag, its in by_row.items()}
    return ParallelLines("test1-benchmark", texts)


def finetuned(folder: Path) -> Path:
    """A model that stands for a finetuned one: the base with its weights moved a little."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(1)
    model: Any = AutoModelForCausalLM.from_pretrained(BASE)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * parameter.std() * torch.randn_like(parameter) if parameter.numel() > 1 else 0)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(BASE).save_pretrained(folder)
    return folder


class Peak:
    """The most memory (MiB) that a single process below this one has held."""

    def __init__(self) -> None:
        self.mebibytes = 0.0
        self._processors: dict[int, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def processors(self) -> float:
        """Seconds of the processors that all of them have used."""
        return sum(self._processors.values())

    def _watch(self) -> None:
        while not self._over.wait(0.2):
            for process in psutil.process_iter(["name", "memory_full_info", "cpu_times"]):
                # of Ray's workers; without the pages of files, which the system may take back
                found = process.info["memory_full_info"]
                if found is not None and str(process.info["name"]).startswith("ray::") and _is_own(process):
                    self.mebibytes = max(self.mebibytes, found.uss / 2**20)
                    self._processors[process.pid] = sum(process.info["cpu_times"][:2])


def _is_own(process: psutil.Process) -> bool:
    try:
        return process.environ().get("DRAGOMAN_BENCHMARK") == str(os.getpid())
    except psutil.Error:
        return False


class Run(NamedTuple):
    """What a run of ours took."""

    seconds: float
    """In all."""
    starting: float
    """Of them until Ray was up."""
    processors: float
    """Seconds of the processors, of the workers."""
    mebibytes: float
    """Peak memory of a worker."""
    work: Work
    """What was done."""


def ours(home: Path, lines: ParallelLines, models: dict[str, Path]) -> Run:
    """Align the languages in some models."""
    home.mkdir()
    chosen = Settings(home=home)
    store = Store.open(chosen.store_url, chosen.blobs_url)
    found = []
    for name, folder in models.items():
        store.models.add(ModelRecord(id=f"model1-{name}", name=name, recipe={"name": name}))
        found.append(Subject(name, Checkpoint(id=f"model1-{name}", model=str(folder))))
    run = AlignmentRun(
        store, chosen, lines, pooling=Pooling.MEAN, progress=ProgressDisplay(Console(stderr=True, quiet=True))
    )

    up: list[float] = []

    @contextmanager
    def ray() -> Iterator[RayCluster]:
        cluster = RayCluster()
        up.append(time.monotonic())
        try:
            yield cluster
        finally:
            cluster.close()

    with Peak() as peak:
        begun = time.monotonic()
        work = run.run({subject: layers_of(subject, None) for subject in found}, ray)
        seconds = time.monotonic() - begun
    store.close()
    return Run(seconds, up[0] - begun, peak.processors, peak.mebibytes, work)


def encoded(model: Any, tokenizer: Any, texts: tuple[str, ...]) -> "np.ndarray[Any, Any]":
    """Mean states of each sentence by layer, in padded batches: what scripts do."""
    found = []
    for start in range(0, len(texts), BATCH):
        batch = tokenizer(
            list(texts[start : start + BATCH]), return_tensors="pt", padding=True, return_special_tokens_mask=True
        )
        own = (1 - batch.pop("special_tokens_mask"))[..., None]
        with torch.inference_mode():
            states = model.base_model(**batch, output_hidden_states=True).hidden_states
        found.append(torch.stack([(state * own).sum(1) / own.sum(1) for state in states]).numpy())
    return np.concatenate(found, axis=1)


def script(lines: ParallelLines, models: dict[str, Path], pairs: list[Pair]) -> tuple[float, int]:
    """Seconds and passes of a script that goes from pair to pair."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    passes, begun = 0, time.monotonic()
    for folder in models.values():
        model = AutoModelForCausalLM.from_pretrained(folder).eval()
        tokenizer = AutoTokenizer.from_pretrained(folder)
        for source, target in pairs:
            sides = [encoded(model, tokenizer, lines.texts[tag]) for tag in (source, target)]
            passes += 2
            for one, other in zip(*sides, strict=True):
                measured(Space.of(one, lines.texts[source]), Space.of(other, lines.texts[target]))
    return time.monotonic() - begun, passes


def main() -> None:
    """Run both and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--languages", type=int, default=len(LANGUAGES))
    parser.add_argument("--lines", type=int, default=1012)
    parser.add_argument("--script-pairs", type=int, default=0, help="pairs of the script; 0 is all")
    asked = parser.parse_args()
    os.environ["DRAGOMAN_BENCHMARK"] = str(os.getpid())
    lines = lines_of(LANGUAGES[: asked.languages], asked.lines)
    pairs = [Pair(*each) for each in combinations(lines.texts, 2)]
    with tempfile.TemporaryDirectory() as folder:
        models = {"base": BASE, "finetuned": finetuned(Path(folder) / "finetuned")}
        found = ours(Path(folder) / "all", lines, models)
        work = found.work
        assert not work.failures, work.failures
        print(f"{len(lines.texts)} languages x {lines.count} lines, {len(models)} models, {os.cpu_count()} cores")
        print(
            f"dragoman align: {found.seconds:.1f} s, {work.passes} passes, {work.measured} alignments "
            f"({found.starting:.1f} s of them to start Ray)",
            flush=True,
        )
        chosen = pairs[: asked.script_pairs] if asked.script_pairs else pairs
        used = time.process_time()
        script_seconds, script_passes = script(lines, models, chosen)
        used = time.process_time() - used
        scale = len(pairs) / len(chosen)
        times = script_seconds * scale
        counted = f" ({script_seconds:.1f} s on {len(chosen)} of {len(pairs)} pairs)" if scale > 1 else ""
        print(f"pair by pair:   {times:.1f} s, {script_passes * scale:.0f} passes{counted}")
        ours_used, theirs = found.processors, used * scale
        print(f"times faster:   {times / found.seconds:.1f} by the clock", flush=True)
        print(f"                {theirs / ours_used:.1f} by the processors ({ours_used:.0f} s against {theirs:.0f} s)")
        few = ParallelLines(lines.test_set, {tag: lines.texts[tag] for tag in list(lines.texts)[:4]})
        least = ours(Path(folder) / "few", few, models).mebibytes
        print(f"worker's peak:  {found.mebibytes:.0f} MiB with {len(lines.texts)} languages, {least:.0f} MiB with 4")


if __name__ == "__main__":
    main()
