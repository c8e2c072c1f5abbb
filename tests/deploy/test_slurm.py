"""The batch script for SLURM: run with stubs of srun and scontrol, whose nodes are raylets on this machine."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from tests.end_to_end.conftest import MINI

from dragoman.cell import CellState
from dragoman.settings import Settings
from dragoman.store.store import Store

SCRIPT = Path(__file__).parents[2] / "deploy" / "slurm" / "dragoman.sbatch"

SRUN = """#!/usr/bin/env bash
# Runs as many tasks as asked for, here, and passes on what ends them (man srun: SIGNALS).
echo "srun $*" >> "$STUB_LOG"
tasks=1
while [[ "$1" == --* ]]; do [[ "$1" == --ntasks=* ]] && tasks="${1#--ntasks=}"; shift; done
started=()
trap 'kill -TERM "${started[@]}"' TERM
for _ in $(seq "$tasks"); do "$@" & started+=($!); done
wait
wait
"""

SCONTROL = """#!/usr/bin/env bash
echo "scontrol $*" >> "$STUB_LOG"
if [ "$1 $2" = "show hostnames" ]; then for _ in 1 2 3; do echo 127.0.0.1; done; fi
"""


class Allocation:
    """A folder with the stubs, a spec and a home, and what SLURM sets for a job."""

    def __init__(self, folder: Path, spec: dict[str, Any], job: int) -> None:
        bin_folder = folder / "bin"
        bin_folder.mkdir(parents=True)
        for name, text in {"srun": SRUN, "scontrol": SCONTROL}.items():
            (bin_folder / name).write_text(text)
            (bin_folder / name).chmod(0o755)
        self.folder, self.home, self.log = folder, folder / "home", folder / "stub.log"
        self.log.write_text("")
        self.spec = folder / "spec.yaml"
        self.spec.write_text(yaml.safe_dump(spec))
        self.temporary = Path("/tmp") / f"dragoman-{job}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "SLURM_"))},
            "PATH": os.pathsep.join([str(bin_folder), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "DRAGOMAN_HOME": str(self.home), "STUB_LOG": str(self.log), "OMP_NUM_THREADS": "1",
            "SLURM_JOB_ID": str(job), "SLURM_JOB_NODELIST": "node[1-3]", "SLURM_JOB_NUM_NODES": "3",
            "SLURM_CPUS_PER_TASK": "1",
        }  # fmt: skip

    def start(self, **more: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            ["bash", str(SCRIPT), str(self.spec)], cwd=self.folder, env={**self.environment, **more}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def cells(self) -> dict[str, tuple[CellState, str | None]]:
        chosen = Settings(home=self.home)
        try:
            store = Store.open_existing(chosen.store_url, chosen.blobs_url)
            return {each.cell.id: (each.state, each.hypotheses) for each in store.cells.of_grid("mini")}
        except Exception:  # not made yet
            return {}

    def done(self) -> int:
        return sum(state is CellState.DONE for state, _ in self.cells().values())

    def left(self) -> list[str]:
        """Processes of Ray that are still there."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            words = " ".join(process.info["cmdline"] or [])
            if str(self.temporary) in words and "sbatch" not in words:
                found.append(words)
        return found


@pytest.fixture
def allocation(tmp_path: Path) -> "Callable[..., Allocation]":
    def make(name: str, **changes: Any) -> Allocation:
        return Allocation(tmp_path / name, {**MINI, **changes}, 100_000 + os.getpid() * 10 % 90_000 + len(name))

    return make


def test_without_a_spec_it_says_how_it_is_used(allocation: "Callable[..., Allocation]") -> None:
    job = allocation("usage")
    found = subprocess.run(["bash", str(SCRIPT)], env=job.environment, capture_output=True, text=True, check=False)
    assert found.returncode == 2 and "usage: sbatch" in found.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.xdist_group("slurm")
class TestAllocation:
    """Jobs of three nodes."""

    def test_a_grid_is_run_over_the_nodes_and_nothing_stays(
        self, allocation: "Callable[..., Allocation]", tmp_path: Path
    ) -> None:
        job = allocation("whole")
        process = job.start()
        modes = set()
        while process.poll() is None:
            token = job.home / "slurm" / job.environment["SLURM_JOB_ID"] / "token"
            if token.exists():
                modes.add(token.stat().st_mode & 0o777)
            time.sleep(0.2)
        said = process.stdout.read() if process.stdout else ""
        assert process.returncode == 0, said
        assert modes == {0o600}
        assert {state for state, _ in job.cells().values()} == {CellState.DONE}
        asked = job.log.read_text()
        assert "--nodelist=127.0.0.1" in asked and "--ntasks=2 --exclude=127.0.0.1" in asked
        assert "requeue" not in asked
        assert job.left() == [] and not job.temporary.exists() and not token.exists()

        here = allocation("here")
        again = subprocess.run(
            [Path(sys.executable).with_name("dragoman"), "run", str(here.spec), "--quiet"],
            env={**os.environ, "DRAGOMAN_HOME": str(here.home), "OMP_NUM_THREADS": "1"}, cwd=here.folder, check=False,
        )  # fmt: skip
        assert again.returncode == 0 and here.cells() == job.cells()

    def test_a_job_that_is_preempted_is_queued_again_and_goes_on(self, allocation: "Callable[..., Allocation]") -> None:
        job = allocation("preempted", evaluation={"sentences": 200, "decoding": {"max_new_tokens": 24}})
        process = job.start()
        deadline = time.monotonic() + 300
        while job.done() < 2 and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.5)
        assert process.poll() is None, process.stdout and process.stdout.read()
        os.kill(process.pid, signal.SIGTERM)  # to the batch shell alone, as `--signal=B:TERM` does
        said, _ = process.communicate(timeout=120)
        assert "the job is queued again" in said and "scontrol requeue" in job.log.read_text()
        done = job.done()
        assert 2 <= done < len(job.cells()) and job.left() == []
        kept = {cell: found for cell, found in job.cells().items() if found[0] is CellState.DONE}

        process = job.start(SLURM_RESTART_COUNT="1")
        said, _ = process.communicate(timeout=500)
        assert process.returncode == 0, said
        cells = job.cells()
        assert {state for state, _ in cells.values()} == {CellState.DONE}
        assert {cell: cells[cell] for cell in kept} == kept
        shutil.rmtree(job.temporary, ignore_errors=True)
