"""Planning the full FLORES-200 grid: 200 languages, 39,800 pairs of 1,012 lines each, in files of that layout.

    python benchmarks/plan.py

The files hold made-up sentences as long as FLORES's. `dragoman plan` runs in a process of its own, three times; first
in an empty home, then where a store knows the cells. Prints wall and CPU times and the peak memory of each. The
goals: at most 10 s, at most 500 MB.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import langcodes
import yaml
from babel.localedata import locale_identifiers

from dragoman.corpora.readers.name_patterns import language_of
from dragoman.pair import all_pairs

LINES = {"dev": 997, "devtest": 1012}
GOAL_SECONDS, GOAL_MEGABYTES = 10, 500

PEAK = "import resource, sys; sys.stderr.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))"


def main() -> None:
    """Make the files, plan, and compare with the goals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--languages", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dragoman") as name:
        folder = Path(name)
        tags = make(folder, arguments.languages)
        environment = {**os.environ, "DRAGOMAN_HOME": str(folder / "home"), "OMP_NUM_THREADS": "1"}
        runs = [measure(folder, environment) for _ in range(arguments.rounds)]
        fill(folder / "home", folder)
        known = [measure(folder, environment) for _ in range(arguments.rounds)]
    print(f"{len(tags)} languages, {len(all_pairs(tags)):,} pairs, {LINES['devtest']:,} lines")
    for title, each in (("no store", runs), ("store with the cells", known)):
        wall, cpu, megabytes, to_do = (min(values) for values in zip(*each, strict=True))
        print(f"{title:24}{wall:6.1f} s wall{cpu:6.1f} s CPU{megabytes:6.0f} MB   {to_do:,} cells to do")
        for figure, goal, unit in ((wall, GOAL_SECONDS, "s"), (megabytes, GOAL_MEGABYTES, "MB")):
            print(f"  goal {goal} {unit}: {'reached' if figure <= goal else 'MISSED'}")


def make(folder: Path, count: int) -> list[str]:
    """Write FLORES-200 in its layout, a base without weights to speak of, and a spec; returns the languages."""
    codes: dict[str, str] = {}
    for identifier in sorted(locale_identifiers()):
        language = langcodes.Language.get(identifier.split("_")[0]).maximize()
        code = f"{language.to_alpha3()}_{language.script}"
        if (tag := language_of(code)) and tag not in codes and len(codes) < count:
            codes[tag] = code
    rng = random.Random(1)
    words = ["".join(rng.choices("etaoinshrdlu", k=rng.randint(2, 10))) for _ in range(20_000)]
    for split, lines in LINES.items():
        (folder / "flores" / split).mkdir(parents=True)
        for code in codes.values():
            text = "".join(" ".join(rng.choices(words, k=rng.randint(10, 30))) + ".\n" for _ in range(lines))
            (folder / "flores" / split / f"{code}.{split}").write_text(text)
    (folder / "base").mkdir()
    (folder / "base" / "model.safetensors").write_bytes(b"weights")
    spec = {
        "name": "flores-200", "base": str(folder / "base"), "languages": list(codes),
        "corpus": {"kind": "flores200", "path": str(folder / "flores")},
    }  # fmt: skip
    (folder / "spec.yaml").write_text(yaml.safe_dump(spec))
    return list(codes)


def fill(home: Path, folder: Path) -> None:
    """Put the planned cells into a store, as the driver does before it begins."""
    from dragoman.planning.planner import make_plan
    from dragoman.spec.loading import load_spec
    from dragoman.store import records
    from dragoman.store.store import Store

    plan = make_plan(load_spec(folder / "spec.yaml"))
    store = Store.open(f"sqlite:///{home}/store.db", f"file://{home}/blobs")
    store.models.add(records.ModelRecord(id=plan.base.id, name="base", recipe=plan.base.recipe))
    store.conditions.add_test_set(records.TestSetRecord(id=plan.test_set.id, **plan.test_set.model_dump(mode="json")))
    for prompt in plan.prompts:
        store.conditions.add_prompt(records.PromptRecord(id=prompt.id, template=prompt.template))
    decoding = plan.spec.evaluation.decoding
    store.conditions.add_decoding(records.DecodingRecord(id=decoding.id, settings=decoding.model_dump(mode="json")))
    grid = records.GridRecord(
        name=plan.spec.name, spec=plan.spec.model_dump(mode="json"), spec_hash=plan.id, models=(plan.base.id,),
        base=plan.base.id, metrics=plan.spec.evaluation.metrics, languages=plan.spec.languages,
    )  # fmt: skip
    store.grids.add(grid, (records.CellRecord(cell=cell) for cell in plan.cells()))
    store.close()


def measure(folder: Path, environment: dict[str, str]) -> tuple[float, float, float, int]:
    """Seconds of wall and CPU time, peak megabytes, and the cells to do, of one `dragoman plan`."""
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    code = f"import sys; from dragoman.cli.main import main\ntry: main()\nfinally: exec({PEAK!r})"
    command = [sys.executable, "-c", code, "plan", str(folder / "spec.yaml"), "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    wall, after = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    megabytes = int(done.stderr.split()[-1]) / 1024
    return wall, cpu, megabytes, sum(row["to_do"] for row in json.loads(done.stdout)["cells"])


if __name__ == "__main__":
    main()
