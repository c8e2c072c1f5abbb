"""The tiers keep their promise: a test that is not marked slow is fast, and tests of a group share a process."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = """
import time
import pytest
import tests.conftest
tests.conftest.FAST = 0.05

def busy():
    until = time.process_time() + 0.2
    while time.process_time() < until:
        pass

def test_is_fast():
    pass

def test_is_not():
    busy()

@pytest.mark.slow
def test_says_so():
    busy()
"""


def test_a_slow_test_that_is_not_marked_fails(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "--rootdir", tmp_path, "-o",
               "markers=slow", tmp_path]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout
    assert "1 failed, 2 passed" in done.stdout
    assert re.search(r"^It took .* Make it faster, or mark it", done.stdout, re.MULTILINE)
    assert re.search(r"^FAILED .*::test_is_not", done.stdout, re.MULTILINE)


def test_xdist_knows_the_groups(request: pytest.FixtureRequest) -> None:
    """Some versions of pytest and pytest-xdist don't fit together, and then tests are spread as if there were none."""
    is_grouped = request.config.getoption("loadgroup", False)
    assert request.node.nodeid.endswith("@tests/test_tiers.py") == is_grouped
