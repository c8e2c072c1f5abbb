"""sacreBLEU's own command line, run many times by one process, which imports it once."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def reports(commands: Sequence[Sequence[str]], folder: Path) -> list[Any]:
    """What `sacrebleu ARGUMENTS --format json` prints in a folder, for each list of arguments."""
    done = subprocess.run(
        [sys.executable, __file__], input=json.dumps([[*each, "--format", "json"] for each in commands]), cwd=folder,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed = [json.loads((folder / f"report-{number}.json").read_text()) for number in range(len(commands))]
    assert len(printed) == len(commands)
    return printed


def main() -> None:
    """Fork for each of the commands on standard input: the command line replaces its process's standard streams."""
    from sacrebleu import sacrebleu

    for number, arguments in enumerate(json.load(sys.stdin)):
        child = os.fork()
        if child == 0:
            os.dup2(os.open(f"report-{number}.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), sys.stdout.fileno())
            sys.argv = ["sacrebleu", *arguments]
            sacrebleu.main()
            return
        _, status = os.waitpid(child, 0)
        if status != 0:
            sys.exit(f"sacrebleu {' '.join(arguments)} ended with {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    main()
