"""Evaluating a grid against the raw engine, lm-evaluation-harness and one process for each pair, on the same prompts.

    python benchmarks/evaluate.py --lm-eval PYTHON     where PYTHON is an interpreter that has `pip install lm-eval`
    python benchmarks/evaluate.py                      without the harness
    python benchmarks/evaluate.py --sentences 100      the first table only, and the processor seconds by part

30 pairs of the bundled model, 100 and then 1,000 sentences each, greedy, all scored with BLEU and chrF, in turn:

- raw engine: CTranslate2 alone, from prompts to texts, one process with one thread for each core, the prompts shared
  out evenly. Once all in one call as one batch, and once in one call that makes batches of 4,096 tokens of them, which
  is the faster way; nothing is scored or kept, and starting is not counted;
- Dragoman: `dragoman run`, Ray's start, the store and MLflow included;
- lm-evaluation-harness, at 100 sentences: all pairs in one command (`hf` backend), its samples logged;
- scripts, at 100 sentences: a process for each pair that loads the model, generates in batches padded to the left,
  scores with sacreBLEU and writes its hypotheses, as the scripts beside papers do.

The last two use all cores, as torch does by default (or `--threads`). Decoding is the time in `generate_until`, in
`generate`, and that of the busiest worker in its engine. Hypotheses are compared line by line, stripped and up to their
first line break. Then `dragoman run` is done once more at 100 sentences, and the processor seconds of all its processes
are added up by what they did; and an evaluation actor is started on Ray: the seconds until it is ready to translate,
and the memory of its process.
"""

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import raw_engine
import yaml
from processor_seconds import of_command

from dragoman.cell import CellState
from dragoman.pair import Pair
from dragoman.planning.planner import make_plan
from dragoman.spec.decoding import Decoding
from dragoman.spec.loading import load_spec
from dragoman.store.store import Store
from dragoman_jobs.cluster.ray_cluster import RayCluster
from dragoman_jobs.engines.selection import choose_engine
from dragoman_jobs.evaluation.worker import PreparedModel, Worker
from dragoman_jobs.models.checkpoint import Checkpoint

ROOT = Path(__file__).parents[1]
LANGUAGES = ["en", "de", "fr", "ru", "fi", "ar"]
GOALS = {"decoding": 8, "lm-evaluation-harness": 6.5, "scripts": 25, "ready": 4, "megabytes": 250}
OF_RAW, OVER_RAW = 0.95, 1.15
"""Goals at the larger size: of the raw engine's throughput, and of its time."""


HARNESS = """
import sys, time
from lm_eval.models.huggingface import HFLM
from lm_eval.__main__ import cli_evaluate
generate = HFLM.generate_until
def timed(self, *arguments, **options):
    started = time.perf_counter()
    try:
        return generate(self, *arguments, **options)
    finally:
        print("decoding", time.perf_counter() - started, flush=True)
HFLM.generate_until = timed
cli_evaluate()
"""
"""The harness's own command, with a clock around its decoding."""


Line = tuple[str, str]
"""A prompt and its reference."""


class Run(NamedTuple):
    """What one contender took and said."""

    seconds: float
    """The whole command."""
    decoding: float
    """Of it, decoding."""
    hypotheses: dict[str, list[str]]
    """The first line of every hypothesis, by pair."""


class Probe(Worker):
    """An evaluation worker that says when it is ready and how large it is."""

    def look(self, model: PreparedModel, decoding: Decoding) -> dict[str, Any]:
        """Load the model, translate a sentence, and look at this process."""
        import psutil

        self.engine(model, decoding).translate(["[English]: yes [German]:"])
        return {"megabytes": psutil.Process().memory_info().rss / 1e6, "torch": "torch" in sys.modules}


def write_inputs(folder: Path, arguments: argparse.Namespace, sentences: int) -> dict[Pair, list[Line]]:
    """Write the spec; returns prompts and references of every pair."""
    spec = {
        "name": "speed",
        "base": str(arguments.model.resolve()),
        "languages": LANGUAGES,
        "corpus": "cldr",
        "evaluation": {
            "sentences": sentences,
            "decoding": {"max_new_tokens": arguments.max_new_tokens},
            "metrics": ["bleu", "chrf"],
        },
    }
    path = folder / "spec.yaml"
    path.write_text(yaml.safe_dump(spec))
    plan = make_plan(load_spec(path))
    tested = plan.first.tested.lines
    lines = {}
    for pair in plan.pairs:
        segments = tested.segments(pair)
        lines[pair] = [(plan.prompt.render(pair, segment.source), segment.target) for segment in segments]
        rows = [{"prompt": prompt, "reference": reference} for prompt, reference in lines[pair]]
        (folder / f"{pair}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return lines


def run_harness(folder: Path, arguments: argparse.Namespace, pairs: list[Pair]) -> Run:
    """All pairs in one command of lm-evaluation-harness."""
    tasks = folder / "tasks"
    tasks.mkdir()
    for pair in pairs:
        task = {
            "task": f"speed_{pair}",
            "dataset_path": "json",
            "dataset_kwargs": {"data_files": {"test": str(folder / f"{pair}.jsonl")}},
            "test_split": "test",
            "output_type": "generate_until",
            "doc_to_text": "{{prompt}}",
            "doc_to_target": "{{reference}}",
            "generation_kwargs": {"until": ["\n"], "max_gen_toks": arguments.max_new_tokens, "do_sample": False},
            "metric_list": [{"metric": "bleu"}, {"metric": "chrf"}],
        }
        (tasks / f"{pair}.yaml").write_text(yaml.safe_dump(task))
    command = [
        str(arguments.lm_eval), "-c", HARNESS, "run", "--model", "hf",
        "--model_args", f"pretrained={arguments.model.resolve()},dtype=float32",
        "--tasks", ",".join(f"speed_{pair}" for pair in pairs), "--include_path", str(tasks), "--device", "cpu",
        "--batch_size", str(arguments.batch), "--output_path", str(folder / "harness"), "--log_samples",
    ]  # fmt: skip
    seconds, output = timed(command, arguments, folder)
    hypotheses = {}
    for pair in pairs:
        (samples,) = (folder / "harness").rglob(f"samples_speed_{pair}_*.jsonl")
        rows = sorted(map(json.loads, samples.read_text().splitlines()), key=lambda row: row["doc_id"])
        hypotheses[str(pair)] = [first_line(row["resps"][0][0]) for row in rows]
    return Run(seconds, _clock(output), hypotheses)


def run_scripts(folder: Path, arguments: argparse.Namespace, pairs: list[Pair]) -> Run:
    """A process for each pair, one after another; times are scaled up to all pairs where only some are measured."""
    seconds = decoding = 0.0
    hypotheses = {}
    measured = pairs[:: max(1, len(pairs) // arguments.scripts)][: arguments.scripts]
    for pair in measured:
        out = folder / f"{pair}.hyp"
        command = [sys.executable, *sys.argv, "--pair", str(folder / f"{pair}.jsonl"), str(out)]
        took, output = timed(command, arguments, folder)
        seconds += took
        decoding += _clock(output)
        hypotheses[str(pair)] = json.loads(out.read_text())
    scale = len(pairs) / len(measured)
    return Run(seconds * scale, decoding * scale, hypotheses)


def translate_pair(arguments: argparse.Namespace) -> None:
    """The script of one pair: load, generate, score, write."""
    import sacrebleu
    from transformers import AutoModelForCausalLM, AutoTokenizer

    lines, out = map(Path, arguments.pair)
    rows = list(map(json.loads, lines.read_text().splitlines()))
    tokenizer = AutoTokenizer.from_pretrained(arguments.model, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(arguments.model, dtype="float32").eval()
    started = time.perf_counter()
    hypotheses: list[str] = []
    for start in range(0, len(rows), arguments.batch):
        prompts = [row["prompt"] for row in rows[start : start + arguments.batch]]
        batch = tokenizer(prompts, return_tensors="pt", padding=True)
        output = model.generate(**batch, max_new_tokens=arguments.max_new_tokens, do_sample=False)
        continued = tokenizer.batch_decode(output[:, batch.input_ids.shape[1] :], skip_special_tokens=True)
        hypotheses += map(first_line, continued)
    print("decoding", time.perf_counter() - started)
    references = [[row["reference"] for row in rows]]
    print(sacrebleu.corpus_bleu(hypotheses, references), sacrebleu.corpus_chrf(hypotheses, references))
    out.write_text(json.dumps(hypotheses))


def run_dragoman(folder: Path, arguments: argparse.Namespace) -> Run:
    """`dragoman run`, in a home of its own."""
    home = folder / "home"
    command = [str(Path(sys.executable).with_name("dragoman")), "run", "--quiet", str(folder / "spec.yaml")]
    seconds, _ = timed(command, arguments, folder, DRAGOMAN_HOME=str(home))
    store = Store.open_existing(f"sqlite:///{home}/store.db", f"file://{home}/blobs")
    hypotheses = {}
    for cell in store.cells.of_grid("speed"):
        assert cell.state is CellState.DONE, cell.reason
        assert cell.hypotheses
        hypotheses[str(cell.cell.pair)] = [line[0] for line in store.blobs.translation(cell.hypotheses)]
    return Run(seconds, max(decoding_seconds(home)), hypotheses)


def decoding_seconds(home: Path) -> list[float]:
    """The seconds that each worker decoded."""
    with sqlite3.connect(home / "store.db") as database:
        return [seconds for (seconds,) in database.execute("SELECT SUM(seconds) FROM cell GROUP BY worker")]


def run_raw(
    folder: Path, arguments: argparse.Namespace, lines: Mapping[Pair, Sequence[tuple[str, str]]]
) -> dict[str, Run]:
    """CTranslate2 in a process for each core; the time is that of the slowest one."""
    model = Checkpoint(id="speed", model=str(arguments.model))
    decoding = Decoding(max_new_tokens=arguments.max_new_tokens)
    _, prepared = choose_engine("ctranslate2", model, decoding, folder / "cache")
    cores = os.cpu_count() or 1
    prompts = [(str(pair), prompt) for pair, rows in lines.items() for prompt, _ in rows]
    processes, outs = [], [folder / f"raw-{core}.json" for core in range(cores)]
    for core, out in enumerate(outs):
        asked = folder / f"prompts-{core}.json"
        asked.write_text(json.dumps([prompt for _, prompt in prompts[core::cores]]))
        command = [sys.executable, raw_engine.__file__, prepared, asked, out, str(arguments.max_new_tokens)]
        processes.append(subprocess.Popen(command, env=quiet(arguments, folder)))
    codes = [process.wait() for process in processes]
    if any(codes):
        raise SystemExit("the raw engine failed: see above")
    found = [json.loads(out.read_text()) for out in outs]
    runs = {}
    for way in raw_engine.WAYS:
        seconds = max(each[way]["seconds"] for each in found)
        texts: dict[str, list[str]] = {str(pair): [] for pair in lines}
        for place, (pair, _) in enumerate(prompts):
            texts[pair].append(first_line(found[place % cores][way]["texts"][place // cores]))
        runs[way] = Run(seconds, seconds, texts)
    return runs


def start_actors(folder: Path, model: Path, count: int) -> list[dict[str, Any]]:
    """The seconds until an evaluation actor is ready, and its memory, one after another."""
    decoding = Decoding()
    engine, path = choose_engine("auto", Checkpoint(id="speed", model=str(model)), decoding, folder / "cache")
    prepared = PreparedModel(model="speed", engine=engine, path=path)
    cluster = RayCluster(2)
    found = []
    for _ in range(count):
        started = time.perf_counter()
        worker = cluster.worker(Probe, f"file://{folder}/blobs")
        state = cluster.result(worker.call("look", prepared, decoding))
        found.append({"seconds": time.perf_counter() - started, **state})
        worker.kill()
    cluster.close()
    return found


def timed(command: list[str], arguments: argparse.Namespace, folder: Path, **variables: str) -> tuple[float, str]:
    """Run a command to its end; its seconds and what it printed."""
    started = time.perf_counter()
    done = subprocess.run(
        command, env={**quiet(arguments, folder), **variables}, text=True, capture_output=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)[:200]} failed:\n{done.stderr[-3000:]}")
    return time.perf_counter() - started, done.stdout


def quiet(arguments: argparse.Namespace, folder: Path) -> dict[str, str]:
    """The environment of every command: no hub, and as many threads as asked for."""
    threads = {"OMP_NUM_THREADS": str(arguments.threads)} if arguments.threads else {}
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(folder / "datasets"), "TOKENIZERS_PARALLELISM": "false"}
    return {**environment, **offline, **threads}


def first_line(text: str) -> str:
    """What counts as the translation."""
    return (text.splitlines() or [""])[0].strip()


def _clock(output: str) -> float:
    return sum(float(line.split()[1]) for line in output.splitlines() if line.startswith("decoding "))


def same(left: Run, right: Run) -> str:
    """How many hypotheses of two runs are the same."""
    pairs = [
        (one, other)
        for pair in right.hypotheses
        for one, other in zip(left.hypotheses[pair], right.hypotheses[pair], strict=True)
    ]
    return f"{sum(one == other for one, other in pairs):,} of {len(pairs):,}"


def main() -> None:
    """Run every contender in turn and print them side by side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lm-eval", type=Path, metavar="PYTHON", help="interpreter that has lm-evaluation-harness")
    parser.add_argument("--model", type=Path, default=ROOT / "examples" / "tiny-xglm")
    parser.add_argument("--sentences", type=int, nargs="+", default=[100, 1000], help="for each of the 30 pairs")
    parser.add_argument("--max-new-tokens", type=int, default=80)
    parser.add_argument("--batch", type=int, default=32, help="sentences at once, of the harness and the scripts")
    parser.add_argument("--threads", type=int, default=0, help="of each of their processes; 0 is torch's default")
    parser.add_argument("--scripts", type=int, default=30, help="pairs the scripts are measured on; the rest is scaled")
    parser.add_argument("--pair", nargs=2, metavar=("LINES", "OUT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.pair:
        translate_pair(arguments)
    else:
        for place, sentences in enumerate(arguments.sentences):
            with tempfile.TemporaryDirectory(prefix="dragoman") as name:
                compare(Path(name), arguments, sentences, is_first=not place)


def compare(folder: Path, arguments: argparse.Namespace, sentences: int, *, is_first: bool) -> None:
    """One size: with the harness and the scripts at the first."""
    lines = write_inputs(folder, arguments, sentences)
    pairs = list(lines)
    runs = {**run_raw(folder, arguments, lines), "Dragoman": run_dragoman(folder, arguments)}
    if is_first and arguments.lm_eval:
        runs["lm-evaluation-harness"] = run_harness(folder, arguments, pairs)
    if is_first and arguments.scripts:
        runs["scripts"] = run_scripts(folder, arguments, pairs)
        if arguments.scripts < len(pairs):
            print(f"scripts: measured on {arguments.scripts} pairs, scaled to {len(pairs)}")
    ours = runs["Dragoman"]
    print(f"\n{len(pairs)} pairs of {sentences:,} sentences, {os.cpu_count()} cores")
    print(f"{'':24}{'command s':>11}{'ratio':>8}{'decoding s':>12}{'ratio':>8}   same hypotheses as Dragoman")
    for contender, run in runs.items():
        ratios = f"{run.seconds / ours.seconds:7.2f}x", f"{run.decoding / ours.decoding:7.2f}x"
        print(f"{contender:24}{run.seconds:11.1f}{ratios[0]}{run.decoding:12.2f}{ratios[1]}   {same(ours, run)}")
    if is_first:
        print(f"goals: decoding {GOALS['decoding']}x, command {GOALS['lm-evaluation-harness']}x the harness's and "
              f"{GOALS['scripts']}x the scripts'")  # fmt: skip
        home = folder / "home-by-part"
        spec = [str(folder / "spec.yaml")]
        spent = of_command(["run", "--quiet", *spec], {**quiet(arguments, folder), "DRAGOMAN_HOME": str(home)})
        decoding = min(spent["workers"], sum(decoding_seconds(home)))
        show_parts({"decoding": decoding, "workers besides": spent.pop("workers") - decoding, **spent})
        show_actors(start_actors(folder, arguments.model, 3))
    else:
        print(f"goals: decoding at least {OF_RAW} of the raw engine's throughput, the command at most {OVER_RAW} times "
              "its time")  # fmt: skip


def show_parts(parts: dict[str, float]) -> None:
    """Processor seconds by part."""
    print("processor seconds of the command by part: "
          + ", ".join(f"{part} {seconds:.1f}" for part, seconds in parts.items())
          + f"; together {sum(parts.values()):.1f}")  # fmt: skip


def show_actors(actors: list[dict[str, Any]]) -> None:
    """When an actor is ready, and how large."""
    slowest, largest = max(actor["seconds"] for actor in actors), max(actor["megabytes"] for actor in actors)
    print(
        f"an actor is ready after {slowest:.1f} s (goal {GOALS['ready']}) with {largest:.0f} MB "
        f"(goal {GOALS['megabytes']}); torch imported: {any(actor['torch'] for actor in actors)}"
    )


if __name__ == "__main__":
    main()
