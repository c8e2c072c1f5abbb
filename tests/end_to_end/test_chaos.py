"""A small campaign of faults (benchmarks/chaos.py): a grid killed at moments of chance comes to the same end."""

import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from tests.end_to_end.conftest import ROOT


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_grid_that_was_killed_comes_to_the_same_end_and_leaves_nothing(chance: random.Random) -> None:
    folder = Path(tempfile.mkdtemp(prefix="chaos", dir="/tmp"))  # sockets are made in it
    seed = chance.randrange(10**6)
    command = [sys.executable, str(ROOT / "benchmarks" / "chaos.py"), "--folder", str(folder), "--seed", str(seed)]
    try:
        done = subprocess.run(
            [*command, "--tries", "1", "--kinds", "kill", "--kills", "2"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert "kill: 1 tried, 1 survived" in done.stdout
    finally:
        shutil.rmtree(folder, ignore_errors=True)
