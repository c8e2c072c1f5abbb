"""The folder named `platform` must never shadow Python's own module."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_platform_stays_the_standard_librarys_at_the_repository_root() -> None:
    code = "import platform, uuid; print(platform.python_implementation()); print(platform.__file__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    implementation, file = done.stdout.split()
    assert implementation == "CPython"
    assert not Path(file).is_relative_to(ROOT)
    assert not (ROOT / "platform" / "__init__.py").exists()


def test_importing_dragoman_stays_light() -> None:
    code = (
        "import sys, dragoman, dragoman.planning.planner, dragoman.cli.main\n"
        "print([m for m in ('torch', 'ray', 'mlflow', 'transformers', 'pandas', 'sacrebleu') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
