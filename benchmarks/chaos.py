"""A campaign of faults: small grids with a finetuning, an evaluation and a promotion are disturbed, then resumed.

    python benchmarks/chaos.py --tries 20
    python benchmarks/chaos.py --minutes 60 --kinds kill,stop --seed 100
    python benchmarks/chaos.py --seed 117 --tries 1 --kinds kill

What each comes to is compared with an undisturbed grid: every byte of translations, scores and weights, cells and
scores done twice, processes that live ten seconds after their driver was killed, MLflow's runs and registry, files
that nobody needs any more. A try is chosen by its seed, which is printed: the third line tries a failure again. Exits
with 1 if there was one.
"""

import argparse
import json
import pickle
import random
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

import chaos_faults
import chaos_services
from chaos_faults import SkippedError, Trial
from chaos_grid import Grid, Results, differences, new_folder

KINDS = chaos_faults.KINDS | chaos_services.KINDS


class Calm(NamedTuple):
    """An undisturbed grid."""

    results: Results
    """What it came to."""
    seconds: float
    """How long it took."""
    litter: list[str]
    """What the libraries leave in the folder for temporary files."""


def main() -> int:
    """Disturb grids until the tries or the minutes are over."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=10**9, help="how many grids")
    parser.add_argument("--minutes", type=float, default=30, help="no grid is begun after so long")
    parser.add_argument("--kinds", default=",".join(KINDS), help=f"of {', '.join(KINDS)}")
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10**6), help="of the first grid; then one more each"
    )
    parser.add_argument("--kills", type=int, default=6, help="of one grid, at most")
    parser.add_argument("--folder", type=Path, help="where grids are made: a short path; failed ones stay there")
    parser.add_argument("--json", type=Path, help="a file that gets a line for each try")
    arguments = parser.parse_args()
    kinds = [kind for kind in arguments.kinds.split(",") if kind]
    if unknown := set(kinds) - set(KINDS):
        parser.error(f"there is no kind {', '.join(sorted(unknown))}: choose of {', '.join(KINDS)}")
    folder = arguments.folder or Path(mkdtemp(prefix="chaos", dir="/tmp"))
    folder.mkdir(parents=True, exist_ok=True)
    calm = undisturbed(folder)
    until = time.monotonic() + 60 * arguments.minutes
    tried, survived, totals, failures = Counter(), Counter(), Counter(), []
    for number in range(arguments.tries):
        if time.monotonic() > until:
            break
        seed = arguments.seed + number
        found = attempt(folder, calm, kinds, seed, arguments.kills)
        if arguments.json:
            with arguments.json.open("a", encoding="utf-8") as file:
                file.write(f"{json.dumps(found)}\n")
        kind, wrong = found["kind"], found["wrong"]
        if found["skipped"]:
            print(f"seed {seed} {kind}: skipped: {found['skipped']}", flush=True)
            continue
        tried[kind] += 1
        survived[kind] += not wrong
        totals.update(found["counts"])
        if wrong:
            failures.append(f"--seed {seed} --tries 1 --kinds {arguments.kinds} --kills {arguments.kills}")
        verdict = "; ".join(f"{key}: {', '.join(values)[:300]}" for key, values in wrong.items()) or "survived"
        done = ", ".join(found["done"])
        print(f"seed {seed} {kind} ({done}) in {found['seconds']:.0f} s: {verdict}", flush=True)
    for kind in kinds:
        print(f"{kind}: {tried[kind]} tried, {survived[kind]} survived")
    print(", ".join(f"{value} {key}" for key, value in totals.items()) or "nothing was tried")
    for failure in failures:
        print(f"again: python benchmarks/chaos.py {failure}")
    return int(bool(failures))


def undisturbed(folder: Path) -> Calm:
    """The grid run once from beginning to end; what it came to is kept in the folder for other campaigns."""
    kept = folder / "calm.pickle"
    if not kept.exists():
        grid = Grid(folder / "calm")
        begun = time.monotonic()
        if wrong := grid.complete():
            raise SystemExit(f"The undisturbed grid failed ({'; '.join(wrong)}): {grid.log} says why.")
        seconds = time.monotonic() - begun
        kept.write_bytes(pickle.dumps(Calm(grid.results(), seconds, grid.litter())))
    calm: Calm = pickle.loads(kept.read_bytes())
    return calm


def attempt(folder: Path, calm: Calm, kinds: list[str], seed: int, kills: int) -> dict[str, object]:
    """Disturb one grid, resume it to its end, and compare."""
    chance = random.Random(seed)
    kind = chance.choice(kinds)
    trial = Trial(new_folder(folder, chance), chance, seconds=calm.seconds, most=kills)
    begun = time.monotonic()
    wrong: dict[str, list[str]] = {}
    skipped = ""
    try:
        KINDS[kind](trial)
        wrong["end"] = [*trial.wrong, *trial.grid.complete()]
        wrong["leftovers"] = [*trial.left, *trial.grid.left()]
        wrong |= differences(calm.results, trial.grid.results())
        wrong["litter"] = [file for file in trial.grid.litter() if file not in calm.litter]
    except SkippedError as reason:
        skipped = str(reason)
    except Exception as error:
        wrong["campaign"] = [f"{type(error).__name__}: {error}"]
    finally:
        trial.close()
    wrong = {key: values for key, values in wrong.items() if values}
    if not wrong:
        trial.grid.remove()
    return {
        "seed": seed, "kind": kind, "done": trial.done, "seconds": time.monotonic() - begun, "wrong": wrong,
        "skipped": skipped, "folder": str(trial.grid.folder),
        "counts": {"kills": trial.kills, "disturbances": len(trial.done), "resumes refused": trial.grid.refused}
        | {key: len(wrong.get(key, ())) for key in ("differing", "doubled", "leftovers", "mlflow", "litter", "end")},
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
