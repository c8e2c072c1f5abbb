"""The server under load: clients ask it without pause while a grid runs in its store and an alias moves.

    python benchmarks/server.py                          60 s of 32 clients
    python benchmarks/server.py --seconds 20 --clients 8 --json

The server is the one `dragoman ui` starts, its token included, on a home that holds a campaign and in which the real
`dragoman run` works at a small grid. Every client asks for pages and the JSON API, searches MLflow's runs and models,
and asks for what is shut. Another one moves an alias to and fro through MLflow's API. Prints how many answers of each
status came and how long they took, how often the alias moved, how far the grid came, and the memory of the server's
processes (resident, in MB): its median in the second and in the last quarter of the time. Exits with 1 if there was an
answer of 500 or more, or none at all, or if the memory has grown by more than a tenth.
"""

import argparse
import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import yaml
from api import REGISTERED, TOKEN, complete, free_port, questions
from campaign import Campaign, fill
from mlflow.exceptions import MlflowException

from dragoman.errors import StoreError
from dragoman.settings import Settings
from dragoman.store.store import Store
from dragoman_registry.registry_client.client import client_at
from dragoman_ui.cli import command, environment, stop, wait_until_healthy

ROOT = Path(__file__).parents[1]
PAGES = ("/dragoman/", "/dragoman/grid?grid=campaign", "/dragoman/grid?grid=small", "/dragoman/job?grid=small",
         "/dragoman/promotions", f"/dragoman/model?name={REGISTERED}", "/")  # fmt: skip
ALIAS = "playground"
"""One that no policy gates: the others move by a promotion only."""
MLFLOW = (
    "/api/2.0/mlflow/experiments/search?max_results=10",
    "/api/2.0/mlflow/registered-models/search",
    f"/api/2.0/mlflow/registered-models/alias?name={REGISTERED}&alias={ALIAS}",
    f"/api/2.0/mlflow/model-versions/get?name={REGISTERED}&version=1",
)
SHUT = ("/ajax-api/3.0/mlflow/assistant/config", "/nowhere")
GRID = {
    "name": "small", "base": str(ROOT / "examples" / "tiny-xglm"), "languages": ["en", "de", "fr", "ru"],
    "corpus": "cldr",
    "models": [{"name": "one", "pairs": {"centric": "en"}, "examples": 200,
                "method": {"kind": "full", "learning_rate": 0.0015, "steps": 60, "batch_tokens": 512}}],
    "evaluation": {"sentences": 50, "decoding": {"max_new_tokens": 40}},
}  # fmt: skip
GROWTH = 1.1
"""How much the memory may grow."""


class Load:
    """What the clients have seen."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.over = threading.Event()
        self.took: list[tuple[int, float]] = []
        self.failed: list[str] = []
        self.moves = 0
        self.memory: list[float] = []

    def ask(self, addresses: list[str], seed: int) -> None:
        """One client: questions drawn at random, without pause."""
        rng = random.Random(seed)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        while not self.over.is_set():
            address, began = rng.choice(addresses), time.perf_counter()
            try:
                connection.request("GET", address, headers={"Authorization": f"Bearer {TOKEN}"})
                answer = connection.getresponse()
                answer.read()
                self.took.append((answer.status, time.perf_counter() - began))
                if answer.status >= 500:
                    self.failed.append(f"{answer.status} {address}")
            except (http.client.HTTPException, OSError) as error:
                self.failed.append(f"{type(error).__name__} {address}")
                connection.close()

    def move_alias(self) -> None:
        """Move an alias to and fro through MLflow's API."""
        client = client_at(f"http://127.0.0.1:{self.port}")
        while not self.over.is_set():
            try:
                client.set_registered_model_alias(REGISTERED, ALIAS, str(1 + self.moves % 2))
                self.moves += 1
            except MlflowException as error:
                self.failed.append(f"moving the alias: {error}")
            self.over.wait(0.5)

    def weigh(self, server: psutil.Process) -> None:
        """Measure the memory of the server's processes, twice a second."""
        while not self.over.wait(0.5):
            processes = [server, *server.children(recursive=True)]
            self.memory.append(sum(each.memory_info().rss for each in processes) / 1e6)


def main() -> int:
    """Serve, run the grid, ask, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dragoman") as folder:
        settings = Settings(home=Path(folder) / "home")
        campaign = Campaign(languages=20, models=5)
        store = Store.open(settings.store_url, settings.blobs_url)
        fill(store, campaign)
        complete(store, settings, campaign)
        store.close()
        client_at(settings.mlflow_url).create_model_version(REGISTERED, "file:///nowhere")
        found = measure(settings, campaign, options.seconds, options.clients)
    print(
        json.dumps(found, indent=2)
        if options.json
        else "\n".join(f"{name:32} {value}" for name, value in found.items())
    )
    return int(
        bool(found["failures"])
        or not found["answers"]
        or found["memory, last quarter"] > GROWTH * found["memory, second quarter"]
    )


def measure(settings: Settings, campaign: Campaign, seconds: float, clients: int) -> dict[str, Any]:
    """Have everything happen at once for so many seconds."""
    os.environ |= {"DRAGOMAN_HOME": str(settings.home), "MLFLOW_TRACKING_TOKEN": TOKEN}
    port, log = free_port(), settings.home / "server.log"
    load = Load(port)
    addresses = [each for kind in questions(campaign).values() for each in kind] + [*PAGES, *MLFLOW, *SHUT]
    spec = settings.home / "small.yaml"
    spec.write_text(yaml.safe_dump(GRID))
    with log.open("wb") as file:
        server = subprocess.Popen(command(settings, "127.0.0.1", port), stdout=file, stderr=file,
                                  env=environment(settings, token=TOKEN), start_new_session=True)  # fmt: skip
    with (settings.home / "run.log").open("wb") as file:
        driver = subprocess.Popen([str(Path(sys.executable).with_name("dragoman")), "run", str(spec)],
                                  stdout=file, stderr=file, start_new_session=True)  # fmt: skip
    try:
        wait_until_healthy(server, f"http://127.0.0.1:{port}/health", log)
        client_at(f"http://127.0.0.1:{port}").set_registered_model_alias(REGISTERED, ALIAS, "2")
        before = wait_for_work(settings, driver)
        for address in addresses:  # what is made once, at the first question, is no growth
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
            connection.request("GET", address, headers={"Authorization": f"Bearer {TOKEN}"})
            connection.getresponse().read()
            connection.close()
        threads = [threading.Thread(target=load.ask, args=(addresses, seed)) for seed in range(clients)]
        threads += [threading.Thread(target=load.move_alias),
                    threading.Thread(target=load.weigh, args=(psutil.Process(server.pid),))]  # fmt: skip
        for thread in threads:
            thread.start()
        load.over.wait(seconds)
        load.over.set()
        for thread in threads:
            thread.join()
        done = f"{before}; then {cells(settings)}"
    finally:
        stop(server)
        stop(driver)
    return summary(load, done)


def wait_for_work(settings: Settings, driver: "subprocess.Popen[bytes]") -> str:
    """Wait until the grid has translated a cell; returns how far it is."""
    while "done" not in cells(settings):
        if driver.poll() is not None:
            said = (settings.home / "run.log").read_text().strip().rpartition("\n")[2]
            sys.exit(f"The grid ended with code {driver.returncode} before it translated a cell: {said}")
        time.sleep(1)
    return cells(settings)


def cells(settings: Settings) -> str:
    """How far the grid is."""
    store = Store.open_existing(settings.store_url, settings.blobs_url)
    try:
        states = Counter(str(cell.state) for cell in store.cells.of_grid("small"))
        return ", ".join(f"{count} {state}" for state, count in states.items())
    except StoreError:  # the driver has not written it yet
        return "none"
    finally:
        store.close()


def summary(load: Load, done: str) -> dict[str, Any]:
    """The figures."""
    took = sorted(seconds for _, seconds in load.took)
    quarter = len(load.memory) // 4
    return {
        "answers": len(took),
        "of each status": dict(sorted(Counter(status for status, _ in load.took).items())),
        "failures": load.failed[:10],
        "median ms": round(1000 * statistics.median(took)) if took else None,
        "95 % ms": round(1000 * took[int(0.95 * (len(took) - 1))]) if took else None,
        "moves of the alias": load.moves,
        "cells of the grid": done,
        "memory, second quarter": round(statistics.median(load.memory[quarter : 2 * quarter])),
        "memory, last quarter": round(statistics.median(load.memory[-quarter:])),
        "load": round(os.getloadavg()[0], 1),
    }


if __name__ == "__main__":
    sys.exit(main())
