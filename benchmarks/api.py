"""The JSON API under load: clients that ask one server, all at once, about a campaign of many languages and models.

python benchmarks/api.py                        200 languages, 39,800 pairs, 100 models, 16 clients
python benchmarks/api.py --languages 20 --models 5 --home /tmp/api    keeps the store for the next time

MLflow's own answer to the shortest of questions is there to compare with: no page behind its server is faster.

Each question is first asked once (`first`: nothing of it is kept yet), then by all clients at once, each with its own
connection, of models drawn at random. The server is the one `dragoman ui` starts.
"""

import argparse
import http.client
import json
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlencode

from campaign import SEGMENTS, Campaign, fill
from sqlalchemy import select, update

from dragoman.settings import Settings
from dragoman.spec.grid import GridSpec
from dragoman.store.database.ids import pair_numbers
from dragoman.store.schema import CellRow, GridModelRow, GridRow, ModelRow, TestRow
from dragoman.store.store import Store
from dragoman.tracking.logged_models import DECODING_TAG, GRID_TAG, MODEL_TAG, NAME_TAG, PROMPT_TAG
from dragoman_registry.registry_client.client import client_at
from dragoman_ui.auth import access_token
from dragoman_ui.cli import command, environment, stop, wait_until_healthy

ROOT = "/ajax-api/3.0/dragoman"
MODELS_ASKED = 5
"""Models that clients ask about; the rest of the campaign is there all the same."""
PAIRS_ASKED = 5
"""Pairs whose sentences are there."""
TOKEN = access_token.made()
"""What the server asks for."""
REGISTERED = "campaign-translator"
"""A registered model, whose version is the first of the finetuned ones."""


def questions(campaign: Campaign) -> dict[str, list[str]]:
    """The addresses of each kind of question."""
    names = campaign.names[1 : 1 + MODELS_ASKED]

    def of(path: str, *asked: dict[str, str]) -> list[str]:
        return [f"{ROOT}/{path}?{urlencode({'grid': 'campaign', **each})}" for each in asked or ({},)]

    each = [{"model": name, "metric": "bleu"} for name in names]
    pairs = [{"source": pair.source, "target": pair.target} for pair in campaign.pairs[:PAIRS_ASKED]]
    return {
        "grids": [f"{ROOT}/grids"],
        "grid": of("grid"),
        "campaigns": [f"{ROOT}/campaigns"],
        "models": of("models"),
        "progress": of("progress"),
        "log": of("log"),
        "partitions": of("partitions", *each),
        "pairs, the first 1,000": of("pairs", *each),
        "pairs, 1,000 further on": of("pairs", *({**one, "offset": "20000"} for one in each)),
        "matrix": of("matrix", *each),
        "comparison": of("comparison", *({**one, "against": campaign.names[-1]} for one in each)),
        "cells": of("cells", *pairs),
        "sentences": of("sentences", *pairs),
        "table": of("table", *({**one, "table": "partitions"} for one in each)),
        "table of every pair": of("table", *({**one, "table": "pairs"} for one in each)),
        "comparison_table": of("comparison_table", *({**one, "table": "scopes"} for one in each)),
        "model": of("model", *({"model": name} for name in names)),
        "card": of("card", *({"model": name} for name in names)),
        "registered_models": [f"{ROOT}/registered_models"],
        "versions": [f"{ROOT}/versions?name={REGISTERED}"],
        "gate": [f"{ROOT}/gate?name={REGISTERED}&version=1"],
        "audit": [f"{ROOT}/audit"],
        "session": [f"{ROOT}/session"],
        "openapi.json": [f"{ROOT}/openapi.json"],
        "MLflow's own version": ["/version"],
    }


def complete(store: Store, settings: Settings, campaign: Campaign) -> None:
    """Add what a campaign lacks for some questions: a specification, a registered model, sentences of a few pairs."""
    names = campaign.names[: 1 + MODELS_ASKED]
    method = {"kind": "full", "learning_rate": 0.001, "steps": 10, "batch_tokens": 512, "warmup_steps": 1}
    pair = f"{campaign.tags[0]}-{campaign.tags[1]}"
    spec = GridSpec.model_validate(
        {
            "name": "campaign", "base": "tiny", "languages": campaign.tags, "corpus": "cldr", "prompt": "mfti",
            "models": [
                {"name": name, "pairs": [pair], "examples": 1000, "method": method} for name in campaign.names[1:]
            ],
            "evaluation": {"metrics": ["bleu", "chrf++", "off_target"]},
            "promotion": {"model": REGISTERED, "rules": [{"metric": "bleu", "over": "seen", "at_least": 1}]},
        }
    )  # fmt: skip
    grid = store.grids.get("campaign")
    lines = [f"sentence number {number} of a test set, as long as most" for number in range(SEGMENTS)]
    test = store.blobs.put_test(lines, lines)
    made = {name: store.blobs.put_translation([(f"{line} {name}", "stop", 9) for line in lines]) for name in names}
    with store.database.writing() as connection:
        connection.execute(update(GridRow).values(spec=spec.model_dump(mode="json")))
        known = pair_numbers(connection, campaign.pairs)
        numbers = {pair: known[pair] for pair in campaign.pairs[:PAIRS_ASKED]}
        connection.execute(update(TestRow).where(TestRow.pair_id.in_(numbers.values())).values(lines=test))
        for name in names:
            model = select(GridModelRow.model_id).where(GridModelRow.name == name).scalar_subquery()
            cells = update(CellRow).where(CellRow.model_id == model, CellRow.pair_id.in_(numbers.values()))
            connection.execute(cells.values(hypotheses=made[name]))
    records = {number: store.cells.of_grid("campaign", pair) for pair, number in numbers.items()}
    with store.database.writing() as connection:
        for number, found in records.items():
            for record in found:  # `fill` makes identities up, and scores are found by the real ones
                model = select(ModelRow.id).where(ModelRow.identity == record.cell.model).scalar_subquery()
                cell = update(CellRow).where(CellRow.model_id == model, CellRow.pair_id == number)
                connection.execute(cell.values(identity=record.cell.id))
    client = client_at(settings.mlflow_url)
    if REGISTERED not in {model.name for model in client.search_registered_models()}:
        client.create_registered_model(REGISTERED)
        model_id = next(identity for identity, name in grid.names.items() if name == names[1])
        tags = {MODEL_TAG: model_id, GRID_TAG: "campaign", NAME_TAG: names[1], PROMPT_TAG: spec.prompts[0].id,
                DECODING_TAG: spec.evaluation.decoding.id}  # fmt: skip
        client.create_model_version(REGISTERED, "file:///nowhere", tags=tags)


def ask(connection: http.client.HTTPConnection, address: str) -> tuple[float, int, int]:
    """Ask once: milliseconds, status and bytes."""
    began = time.perf_counter()
    connection.request("GET", address, headers={"Accept-Encoding": "gzip", "Authorization": f"Bearer {TOKEN}"})
    answer = connection.getresponse()
    size = len(answer.read())
    return 1000 * (time.perf_counter() - began), answer.status, size


def load(port: int, addresses: list[str], clients: int, rounds: int) -> list[tuple[float, int, int]]:
    """Have all clients ask at once."""
    found: list[tuple[float, int, int]] = []
    start = threading.Barrier(clients)

    def client(number: int) -> None:
        connection, rng = http.client.HTTPConnection("127.0.0.1", port, timeout=300), random.Random(number)
        start.wait()
        for _ in range(rounds):
            found.append(ask(connection, rng.choice(addresses)))
        connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def main() -> None:
    """Fill a store, serve it, ask, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--languages", type=int, default=200)
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=10, help="questions of each kind by each client")
    parser.add_argument("--home", type=Path, help="folder of the store; filled where it is empty, and kept")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=options.home or Path(folder))
        campaign = Campaign(options.languages, options.models)
        is_new = not (settings.home / "store.db").exists()
        store = Store.open(settings.store_url, settings.blobs_url)
        if is_new:
            fill(store, campaign)
        complete(store, settings, campaign)
        store.close()
        rows = measure(settings, campaign, options.clients, options.rounds)
    if options.json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return
    sys.stdout.write(
        f"{'question':26}{'first ms':>10}{'median ms':>11}{'95 % ms':>9}{'a second':>10}{'KB':>7}{'errors':>8}\n"
    )
    for row in rows:
        sys.stdout.write(
            f"{row['question']:26}{row['first']:10.0f}{row['median']:11.1f}{row['p95']:9.1f}{row['rate']:10.0f}"
            f"{row['bytes'] / 1000:7.0f}{row['errors']:8}\n"
        )


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def measure(settings: Settings, campaign: Campaign, clients: int, rounds: int) -> list[dict[str, object]]:
    """Ask each kind of question, and then all kinds mixed."""
    port = free_port()
    log = settings.home / "api-benchmark.log"
    variables = environment(settings, token=TOKEN) | {"DRAGOMAN_HOME": str(settings.home)}
    with log.open("wb") as file:
        server = subprocess.Popen(
            command(settings, "127.0.0.1", port), stdout=file, stderr=file, env=variables, start_new_session=True
        )
    rows: list[dict[str, object]] = []
    try:
        wait_until_healthy(server, f"http://127.0.0.1:{port}/health", log)
        kinds = questions(campaign)
        single = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        firsts = {kind: [ask(single, address)[0] for address in addresses] for kind, addresses in kinds.items()}
        every = [address for addresses in kinds.values() for address in addresses]
        for kind, addresses in [*kinds.items(), ("all kinds, mixed", every)]:
            began = time.perf_counter()
            found = load(port, addresses, clients, rounds)
            seconds = time.perf_counter() - began
            took = sorted(each[0] for each in found)
            first = firsts.get(kind) or [time for times in firsts.values() for time in times]
            rows.append(
                {
                    "question": kind, "first": statistics.median(first), "median": statistics.median(took),
                    "p95": took[int(0.95 * (len(took) - 1))], "rate": len(took) / seconds,
                    "bytes": statistics.median(each[2] for each in found),
                    "errors": sum(each[1] != 200 for each in found) + clients * rounds - len(found),
                }
            )  # fmt: skip
    finally:
        stop(server)
    return rows


if __name__ == "__main__":
    main()
