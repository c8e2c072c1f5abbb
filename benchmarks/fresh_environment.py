"""Does a registered model answer as its evaluation did, where nothing is installed but what it asks for?

Makes a virtual environment, installs the requirements that are recorded with the model and nothing else, loads the
model there from MLflow, has it translate the test lines of its grid, and compares with the hypotheses in the store.

    python benchmarks/fresh_environment.py demo-translator@champion --environment /tmp/fresh
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

import mlflow

from dragoman.cli.arguments import open_store
from dragoman.settings import settings
from dragoman_registry.registry_client.client import mlflow_at
from dragoman_registry.registry_client.versions import resolve

SERVE = """
import json, sys
import mlflow, pandas
model = mlflow.pyfunc.load_model(sys.argv[1])
with open(sys.argv[2], encoding="utf-8") as file:
    asked = json.load(file)
answers = model.predict(pandas.DataFrame(asked))["translation"].tolist()
with open(sys.argv[3], "w", encoding="utf-8") as file:
    json.dump({"answers": answers, "dragoman": "dragoman" in sys.modules}, file)
"""


def main() -> None:
    """Run it and print the figures; fails if an answer differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="NAME@VERSION or NAME@ALIAS")
    parser.add_argument("--environment", type=Path, help="where the environment is made, or was; by default a new one")
    parser.add_argument("--lines", type=int, default=100, help="lines of each pair")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = options.environment or Path(folder) / "environment"
        version = resolve(settings().mlflow_url, options.model)
        uri = f"models:/{version.name}/{version.version}"
        python = environment / "bin" / "python"
        if not python.exists():
            seconds = install(uri, environment)
            print(f"environment: made of the recorded requirements in {seconds:.0f} s")
        listed = subprocess.run([python, "-m", "pip", "freeze"], check=True, capture_output=True, text=True).stdout
        print(f"environment: {len(listed.split())} packages, dragoman among them: {'dragoman' in listed}")
        asked, expected = questions(version.grid, version.model, options.lines)
        (Path(folder) / "asked.json").write_text(json.dumps(asked, ensure_ascii=False), encoding="utf-8")
        begun = time.monotonic()
        variables = {**os.environ, "MLFLOW_TRACKING_URI": settings().mlflow_url, "OMP_NUM_THREADS": "1"}
        subprocess.run([python, "-c", SERVE, uri, "asked.json", "answers.json"], cwd=folder, check=True, env=variables)
        said = json.loads((Path(folder) / "answers.json").read_text(encoding="utf-8"))
    differing = [
        (line, hypothesis, answer)
        for line, hypothesis, answer in zip(asked, expected, said["answers"], strict=True)
        if hypothesis != answer
    ]
    print(f"{version}: {len(expected) - len(differing)} of {len(expected)} answers equal the evaluation's hypotheses")
    print(f"{time.monotonic() - begun:.0f} s with starting and loading; dragoman imported there: {said['dragoman']}")
    for line, hypothesis, answer in differing[:10]:
        print(f"  {line['source']}-{line['target']} {line['text']!r}: evaluation {hypothesis!r}, here {answer!r}")
    sys.exit(1 if differing else 0)


def install(uri: str, environment: Path) -> float:
    """Make the environment of a model's recorded requirements; returns the seconds it took."""
    begun = time.monotonic()
    with mlflow_at(settings().mlflow_url):
        requirements = mlflow.pyfunc.get_model_dependencies(uri, format="pip")
    venv.create(environment, with_pip=True)
    subprocess.run([environment / "bin" / "pip", "install", "--quiet", "-r", requirements], check=True)
    return time.monotonic() - begun


def questions(grid: str | None, model: str | None, lines: int) -> tuple[list[dict[str, str]], list[str]]:
    """Rows to translate and the evaluation's hypotheses for them, from every pair of a model in its grid."""
    store = open_store()
    asked: list[dict[str, str]] = []
    expected: list[str] = []
    for cell in store.cells.of_grid(grid or ""):
        if cell.cell.model == model and cell.hypotheses and cell.test:
            sources, _ = store.blobs.test(cell.test)
            hypotheses = [text for text, *_ in store.blobs.translation(cell.hypotheses)]
            pair = cell.cell.pair
            asked += [{"text": text, "source": pair.source, "target": pair.target} for text in sources[:lines]]
            expected += hypotheses[:lines]
    return asked, expected


if __name__ == "__main__":
    main()
