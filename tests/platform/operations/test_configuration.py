"""`dragoman config`: what is in force, where it came from, and no secret."""

import json
import os
import subprocess
import sys
from pathlib import Path

DRAGOMAN = [sys.executable, "-c", "from dragoman.cli.main import main; main()"]


def run(folder: Path, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **variables}
    return subprocess.run([*DRAGOMAN, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_every_source_is_named_and_secrets_are_masked(tmp_path: Path) -> None:
    (tmp_path / "dragoman.toml").write_text("mlflow = 'http://ann:s3cret@mlflow:5000'\nworkers = 3\n")
    store = "postgresql://dragoman:s3cret@db/dragoman?sslpassword=s3cret"
    done = run(tmp_path, "--set", "workers=4", "config", "--json", DRAGOMAN_STORE=store, DRAGOMAN_STROE="x")
    assert done.returncode == 0, done.stderr
    assert "s3cret" not in done.stdout
    found = {row["setting"]: (row["value"], row["from"]) for row in json.loads(done.stdout)["settings"]}
    assert found["workers"] == ("4", "--set")
    assert found["store"] == ("postgresql://dragoman:***@db/dragoman?sslpassword=***", "DRAGOMAN_STORE")
    assert found["mlflow"] == ("http://ann:***@mlflow:5000", "dragoman.toml")
    assert found["blobs"] == (f"file://{tmp_path}/.dragoman/blobs", "default")
    assert "DRAGOMAN_STROE sets nothing" in run(tmp_path, "config", DRAGOMAN_STROE="x").stdout
    assert not (tmp_path / ".dragoman").exists()


def test_a_mistake_is_one_sentence(tmp_path: Path) -> None:
    done = run(tmp_path, "config", DRAGOMAN_WORKERS="many")
    assert done.returncode == 2
    assert done.stderr.startswith("dragoman: The setting workers can't be 'many' (from DRAGOMAN_WORKERS)")
    assert done.stderr.count("\n") == 1
