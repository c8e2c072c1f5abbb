"""docker-compose.yml: valid, linted, and secure before anyone changes anything."""

import re
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dragoman.cli.main import build_app
from dragoman.operations.deployment import SECRETS, read_env, write_secrets

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
BIN = Path(sys.executable).parent
ONCE = {"migrate", "objects-folder", "dragoman"}
LINT = (
    "{extends: default, rules: {line-length: {max: 140}, document-start: disable, "
    "comments: {min-spaces-from-content: 1}}}"
)

Read = Callable[[Mapping[str, str]], dict[str, Any]]


@pytest.fixture
def services(read_compose: Read) -> dict[str, Any]:
    """The services as they are when somebody set the secrets and nothing else."""
    found: dict[str, Any] = read_compose(dict.fromkeys(SECRETS, "s" * 64))["services"]
    return found


def test_it_is_what_the_compose_specification_says() -> None:
    command = [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", FILE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", [FILE, *sorted((ROOT / "deploy").rglob("*.yaml"))], ids=lambda file: file.name)
def test_the_linter_has_nothing_to_say(file: Path) -> None:
    done = subprocess.run([BIN / "yamllint", "--strict", "-d", LINT, file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_nothing_starts_without_every_secret(read_compose: Read) -> None:
    asked = set(re.findall(r"\$\{(\w+):\?", FILE.read_text()))
    assert asked == set(SECRETS)
    for name in SECRETS:
        others = {other: "s" * 64 for other in SECRETS if other != name}
        with pytest.raises(Exception, match="dragoman deploy init"):
            read_compose(others)


def test_no_secret_has_a_default() -> None:
    for name in re.findall(r"(\w*(?:PASSWORD|KEY|TOKEN|SECRET)\w*):-", FILE.read_text()):
        pytest.fail(f"{name} has a default")


def test_only_the_server_is_published_and_on_loopback(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"server": ["127.0.0.1:5000:5000"]}


def test_images_are_pinned_and_built_ones_have_a_file(services: dict[str, Any]) -> None:
    for name, service in services.items():
        tag = service["image"].partition(":")[2]
        assert re.fullmatch(r"v?\d+\.\d+(\.\d+)?(-\w+)?", tag), f"{name} is of {service['image']}"
        if "build" in service:
            assert (ROOT / service["build"]["dockerfile"]).is_file()


def test_every_service_is_confined(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}, name
        assert not service.get("privileged"), name
        root = service.get("user", "").startswith("0")
        assert not root or (service["network_mode"] == "none" and service["cap_add"] == ["CHOWN"]), name


def test_services_wait_for_health(services: dict[str, Any]) -> None:
    for name, service in services.items():
        if name not in ONCE:
            assert service["healthcheck"]["test"][0] == "CMD", name
        for other, needed in service.get("depends_on", {}).items():
            ends = other in ONCE
            assert needed["condition"] == ("service_completed_successfully" if ends else "service_healthy"), name


def test_ray_asks_for_its_token_on_a_network_of_its_own(services: dict[str, Any]) -> None:
    ray = {name: service for name, service in services.items() if name.startswith("ray")}
    assert set(ray) == {"ray-head", "ray-cpu", "ray-gpu"}
    for name, service in ray.items():
        assert service["environment"]["RAY_AUTH_MODE"] == "token"
        assert "front" not in service["networks"]
        assert service["shm_size"]
        assert set(service["profiles"]) <= {"cpu", "gpu"}
        # jobs have no way into MLflow's database but through its server
        assert "PGPASSWORD" not in service["environment"], name
    assert "--num-cpus=0" in ray["ray-head"]["command"]
    assert ray["ray-gpu"]["deploy"]["resources"]["reservations"]["devices"][0]["capabilities"] == ["gpu"]


def test_volumes_and_networks_are_those_that_are_named(compose_text: dict[str, Any], services: dict[str, Any]) -> None:
    named = {each.split(":")[0] for service in services.values() for each in service.get("volumes", ())}
    assert {each for each in named if not each.startswith(".")} == set(compose_text["volumes"])
    assert all((ROOT / each).exists() for each in named if each.startswith("."))
    assert {each for service in services.values() for each in service.get("networks", ())} == set(
        compose_text["networks"]
    )
    assert compose_text["networks"]["inside"] == {"internal": True}


def test_init_writes_fresh_secrets_that_only_the_owner_reads(tmp_path: Path) -> None:
    done = CliRunner().invoke(build_app(), ["deploy", "init", "--folder", str(tmp_path)])
    assert done.exit_code == 0, done.output
    file = tmp_path / ".env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first = read_env(file.read_text())
    assert set(first) == set(SECRETS)
    assert len(set(first.values())) == len(SECRETS)
    assert all(len(value) == 64 and value not in done.output for value in first.values())

    # again it keeps them, and adds what a newer version asks for
    file.write_text("".join(line for line in file.open() if not line.startswith("RAY_TOKEN")) + "PORT=8080\n")
    file.chmod(0o644)
    assert write_secrets(file) == ["RAY_TOKEN"]
    again = read_env(file.read_text())
    assert again["RAY_TOKEN"] != first["RAY_TOKEN"]
    assert {**again, "RAY_TOKEN": ""} == {**first, "RAY_TOKEN": "", "PORT": "8080"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_init_in_no_folder_is_a_sentence(tmp_path: Path) -> None:
    done = CliRunner().invoke(build_app(), ["deploy", "init", "--folder", str(tmp_path / "none")])
    assert "can't be written" in str(done.exception)
