"""Processor seconds of what people type first: help, TAB, results, plan, champions, gate, history, one sentence.

Each command runs in a process of its own, user and system time of it and its children together. With another
checkout's Python both run in turn, in pairs, so that a busy machine is busy for both; medians are printed.

    python benchmarks/first_touch.py --home /tmp/demo-home
    python benchmarks/first_touch.py --home /tmp/demo-home --python ../before/.venv/bin/python --pairs 5
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

START = "from dragoman.cli.main import main; main()"

DEMO = Path(__file__).parents[1] / "examples" / "demo.yaml"

COMMANDS: Mapping[str, Sequence[str]] = {
    "help": ("--help",),
    "TAB, a command": ("re",),
    "TAB, a grid": ("results", "de"),
    "results": ("results", "demo"),
    "plan": ("plan", str(DEMO)),
    "champions": ("champions",),
    "gate": ("gate", "demo"),
    "gate, wrong name": ("gate", "dmeo"),
    "history": ("history", "demo-translator"),
    "history, wrong name": ("history", "dmeo-translator"),
    "translate": ("translate", "--model", "demo-translator@champion", "--from", "en", "--to", "de", "two hours"),
}


def seconds(python: str, name: str, home: Path) -> float:
    """Processor seconds of a command, its children's included."""
    arguments = COMMANDS[name]
    variables = {**os.environ, "DRAGOMAN_HOME": str(home), "OMP_NUM_THREADS": "1"}
    command = [python, "-c", START, *arguments]
    if name.startswith("TAB"):
        # as the completion script of bash asks: the words, the last of them unfinished, and its number
        variables |= {
            "_DRAGOMAN_COMPLETE": "complete_bash",
            "COMP_WORDS": " ".join(("dragoman", *arguments)),
            "COMP_CWORD": str(len(arguments)),
        }
        command = [python, "-c", f"import sys; sys.argv[0] = 'dragoman'; {START}"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if "Traceback" in done.stderr or (name.startswith("TAB") and not done.stdout.strip()):
        sys.exit(f"{name} went wrong: {done.stderr[-2000:]}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    """Run the commands and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True, help="a home in which the demo grid was run")
    parser.add_argument("--python", help="the Python of another checkout, to compare with")
    parser.add_argument("--pairs", type=int, default=3, help="how often each is run")
    parser.add_argument("--only", choices=COMMANDS, action="append", help="only this one; may be repeated")
    options = parser.parse_args()
    pythons = [*([options.python] if options.python else []), sys.executable]
    print(
        f"{'processor seconds':<20} "
        + " ".join(f"{each:>8}" for each in ("before", "now", "ratio")[-len(pythons) - 1 :])
    )
    for name in options.only or COMMANDS:
        found = [[seconds(python, name, options.home) for python in pythons] for _ in range(options.pairs)]
        medians = [statistics.median(column) for column in zip(*found, strict=True)]
        ratio = statistics.median(pair[0] / pair[-1] for pair in found)
        print(f"{name:<20} " + " ".join(f"{each:>8.2f}" for each in (*medians, ratio)), flush=True)


if __name__ == "__main__":
    main()
