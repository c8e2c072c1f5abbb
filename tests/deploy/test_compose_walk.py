"""docker-compose.yml walked through: every service as a plain process, a grid across them, and nobody else let in."""

import base64
import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import grpc
import psycopg
import pytest
import yaml
from botocore.exceptions import ClientError

# the first test waits for every service, and then for the grid
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SPEC: dict[str, Any] = {
    "name": "walked",
    "languages": ["en", "de"],
    "corpus": "cldr",
    "models": [
        {
            "name": "both",
            "pairs": ["de-en", "en-de"],
            "examples": 8,
            "method": {"kind": "full", "learning_rate": 0.001, "steps": 2, "batch_tokens": 256},
        }
    ],
    "evaluation": {"sentences": 3, "metrics": ["bleu"], "decoding": {"max_new_tokens": 4}},
    "promotion": {
        "model": "walked-translator",
        "metric": "bleu",
        "rules": [{"metric": "bleu", "over": "all", "at_least": 0}],
    },
}


class Door:
    """One address, as a browser or a client without Ray and MLflow sees it."""

    def __init__(self, address: str, authorization: str | None = None) -> None:
        self.address, self.authorization = address, authorization

    def ask(self, path: str, content: Any = None) -> tuple[int, str]:
        """The status and the text of an answer."""
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(f"http://{self.address}{path}", data=data)
        request.add_header("Content-Type", "application/json")
        if self.authorization:
            request.add_header("Authorization", self.authorization)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture(scope="module")
def tiny_base(walk: Any) -> Path:
    """A random XGLM of a few thousand parameters, with a tokenizer of bytes, where every node can read it."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, XGLMConfig, XGLMForCausalLM

    tokens = ["<s>", "<pad>", "</s>", "<unk>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    backend = Tokenizer(models.BPE(vocab={token: n for n, token in enumerate(tokens)}, merges=[], unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.post_processor = processors.TemplateProcessing(single="</s> $A", special_tokens=[("</s>", 2)])
    torch.manual_seed(1)
    config = XGLMConfig(
        vocab_size=len(tokens), d_model=16, ffn_dim=32, num_layers=1, attention_heads=2,
        max_position_embeddings=256, pad_token_id=1, eos_token_id=2, bos_token_id=0,
    )  # fmt: skip
    folder: Path = walk.folder / "data" / "base"
    XGLMForCausalLM(config).save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def ran(walk: Any, tiny_base: Path) -> tuple[str, set[tuple[str, str, int]]]:
    """What the grid's job said, and every socket anything listened at meanwhile."""
    spec = walk.folder / "data" / "walked.yaml"
    spec.write_text(yaml.safe_dump({**SPEC, "base": str(tiny_base)}))
    submitted = walk.run("dragoman", ["submit", "/data/walked.yaml"])
    assert submitted.returncode == 0, submitted.stderr
    ray = Door(walk.at("ray-head", 8265), f"Bearer {walk.secrets['RAY_TOKEN']}")
    sockets: set[tuple[str, str, int]] = set()
    until = time.monotonic() + 400
    while True:
        sockets |= walk.listening()
        (job,) = (each for each in json.loads(ray.ask("/api/jobs/")[1]) if each["submission_id"])
        if job["status"] in ("SUCCEEDED", "FAILED", "STOPPED") or time.monotonic() > until:
            break
        time.sleep(1)
    said = json.loads(ray.ask(f"/api/jobs/{job['submission_id']}/logs")[1])["logs"]
    assert job["status"] == "SUCCEEDED", said + walk.said("ray-head") + walk.said("server")
    return said, sockets


def test_migrations_set_up_every_database_and_bucket(walk: Any) -> None:
    said = walk.migrated
    assert "store: schema" in said
    assert "MLflow: schema" in said
    assert "MLflow's user jobs" in said
    for secret in ("STORE_PASSWORD", "MLFLOW_DATABASE_PASSWORD", "JOBS_PASSWORD", "OBJECTS_SECRET_KEY"):
        assert walk.secrets[secret] not in said
    assert walk.once("migrate") == said  # again, it changes nothing


def test_a_role_enters_its_own_database_only(walk: Any) -> None:
    host, port = walk.at("postgres", 5432).split(":")
    roles = {"dragoman": "STORE_PASSWORD", "mlflow": "MLFLOW_DATABASE_PASSWORD"}
    for role, secret in roles.items():
        for database in ("dragoman", "mlflow", "postgres"):
            address = f"host={host} port={port} user={role} dbname={database} password={walk.secrets[secret]}"
            if database == role:
                psycopg.connect(address).close()
            else:
                with pytest.raises(psycopg.OperationalError, match="permission denied"):
                    psycopg.connect(address)


def test_the_doctor_finds_no_fault(walk: Any, ran: Any) -> None:
    for service in ("server", "dragoman"):
        done = walk.run(service, ["doctor", "--json"])
        findings = json.loads(done.stdout)["findings"]
        assert [each for each in findings if each["state"] == "fault"] == [], (service, done.stdout, done.stderr)
        assert {"results store", "blobs", "MLflow", "Ray", "clock"} <= {each["part"] for each in findings}


def test_a_grid_is_submitted_runs_is_browsed_and_promoted(walk: Any, ran: Any) -> None:
    admin = Door(walk.at("server", 5000), basic("admin", walk.secrets["ADMIN_PASSWORD"]))
    status, page = admin.ask("/dragoman/grid?grid=walked")
    assert status == 200
    assert "both" in page
    status, text = admin.ask("/ajax-api/3.0/dragoman/pairs?grid=walked&metric=bleu")
    assert status == 200, text
    status, text = admin.ask("/api/2.0/mlflow/registered-models/alias?name=walked-translator&alias=champion")
    assert status == 200, text
    assert json.loads(text)["model_version"]["version"] == "1"
    status, page = admin.ask("/dragoman/promotions")
    assert status == 200
    assert "walked-translator" in page
    # the store is in PostgreSQL, the hypotheses and the model's package in the object store
    import s3fs

    objects = s3fs.S3FileSystem(
        key=walk.secrets["OBJECTS_ACCESS_KEY"], secret=walk.secrets["OBJECTS_SECRET_KEY"],
        client_kwargs={"endpoint_url": f"http://{walk.at('objects', 7070)}", "region_name": "us-east-1"},
    )  # fmt: skip
    assert objects.find("dragoman/blobs")
    assert any(path.endswith("model.safetensors") for path in objects.find("dragoman/artifacts"))


def test_a_backup_of_it_all_is_restored_elsewhere(walk: Any, ran: Any) -> None:
    host, port = walk.at("postgres", 5432).split(":")
    administrator = f"host={host} port={port} user=postgres password={walk.secrets['POSTGRES_PASSWORD']}"
    with psycopg.connect(administrator, autocommit=True) as connection:
        for role in ("dragoman", "mlflow"):
            connection.execute(f"CREATE DATABASE {role}_restored OWNER {role}")
    done = walk.run("server", ["backup", str(walk.folder / "backup")])
    assert done.returncode == 0, done.stderr
    here = walk.environment("server")
    elsewhere = {
        "DRAGOMAN_STORE": here["DRAGOMAN_STORE"] + "_restored",
        "DRAGOMAN_MLFLOW": here["DRAGOMAN_MLFLOW"] + "_restored",
        "DRAGOMAN_BLOBS": "s3://dragoman/restored/blobs", "DRAGOMAN_ARTIFACTS": "s3://dragoman/restored/artifacts",
        "DRAGOMAN_HOME": str(walk.folder / "restored"),
    }  # fmt: skip
    done = walk.run("server", ["restore", str(walk.folder / "backup")], elsewhere)
    assert done.returncode == 0, done.stderr
    before, after = (walk.run("server", ["results", "walked", "--json"], each) for each in ({}, elsewhere))
    assert before.returncode == 0, before.stderr
    assert json.loads(before.stdout) == json.loads(after.stdout)
    verified = walk.run("server", ["audit", "verify"], elsewhere)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    findings = json.loads(walk.run("server", ["doctor", "--json"], elsewhere).stdout)["findings"]
    assert [each for each in findings if each["state"] == "fault"] == []


def test_secrets_reach_neither_logs_nor_tags_nor_artifacts(walk: Any, ran: Any) -> None:
    said = ran[0] + "".join(log.read_text() for log in walk.folder.glob("*.log"))
    said += "".join(
        file.read_text(errors="replace") for file in walk.folder.glob("ray/session_*/logs/**/*") if file.is_file()
    )
    admin = Door(walk.at("server", 5000), basic("admin", walk.secrets["ADMIN_PASSWORD"]))
    experiments = json.loads(admin.ask("/api/2.0/mlflow/experiments/search?max_results=100")[1])["experiments"]
    ids = [each["experiment_id"] for each in experiments]
    runs = admin.ask("/api/2.0/mlflow/runs/search", {"experiment_ids": ids})[1]
    assert "walked" in runs
    for name, secret in walk.secrets.items():
        if len(secret) >= 16:
            assert secret not in said, name
            assert secret not in runs, name


def test_nothing_listens_but_what_the_compose_file_names(walk: Any, ran: Any) -> None:
    expected = {
        (service, port) for service, ports in walk.ports.items() for port in ports.values()
    }  # the workers' ports are a range
    found = {(service, port) for service, _, port in ran[1] | walk.listening()}
    assert found <= expected, sorted(found - expected)
    # and what should listen does
    assert {"postgres", "objects", "server", "ray-head", "ray-cpu"} == {service for service, _ in found}


GRPC = {
    6379: "/ray.rpc.NodeInfoGcsService/GetAllNodeInfo",
    6380: "/ray.rpc.NodeManagerService/GetNodeStats",
    6381: "/ray.rpc.ObjectManagerService/Push",
    10001: "/ray.rpc.RayletDriver/ClusterInfo",
    52366: "/ray.rpc.ReporterService/GetTraceback",
}
WORKERS = "/ray.rpc.CoreWorkerService/GetCoreWorkerStats"
HTTP = {
    5000: ("/", "/dragoman/", "/ajax-api/3.0/dragoman/grids", "/api/2.0/mlflow/experiments/search?max_results=1"),
    8265: ("/api/version", "/api/jobs/", "/nodes?view=summary"),
    52365: ("/", "/api/job_agent/jobs/", "/logs"),
    52367: ("/", "/get_or_create_runtime_env"),
}


@pytest.mark.parametrize("secret", [None, "wrong"])
def test_a_stranger_is_refused_at_every_port(walk: Any, ran: Any, secret: str | None) -> None:
    there = {(service, here): port for service, ports in walk.ports.items() for port, here in ports.items()}
    tried = set()
    for service, _, here in sorted(walk.listening()):
        port = there[service, here]
        address = f"{walk.addresses[service]}:{here}"
        tried.add((service, port if port < 20000 or port > 20999 else "workers"))
        if service == "postgres":
            for role in ("postgres", "dragoman", "mlflow"):
                host = walk.addresses[service]
                with pytest.raises(psycopg.OperationalError, match=r"no password|authentication failed"):
                    psycopg.connect(host=host, port=here, user=role, dbname="dragoman", password=secret)
        elif service == "objects":
            # moto has no other answer to a request without a signature than an error of its own
            assert Door(address).ask("/dragoman")[0] in (403, 500)
            with pytest.raises(ClientError, match=r"InvalidAccessKeyId|403"):
                objects_client(address, secret or "none").list_objects_v2(Bucket="dragoman")
        elif port in HTTP:
            kind = f"Bearer {secret}" if "ray" in service else basic("admin", str(secret))
            for path in HTTP[port]:
                status, text = Door(address, secret and kind).ask(path)
                assert status in (401, 403), (service, port, path, status, text)
        else:
            assert refusal(address, GRPC.get(port, WORKERS), secret) == "UNAUTHENTICATED", (service, port)
    ray = {6380, 6381, 52365, 52366, 52367}
    assert tried >= {("postgres", 5432), ("objects", 7070), ("server", 5000), ("ray-head", 6379), ("ray-head", 8265)}
    assert tried >= {(service, port) for service in ("ray-head", "ray-cpu") for port in ray}


def objects_client(address: str, key: str) -> Any:
    """A client of the object store."""
    made: Any = boto3.client(
        "s3", endpoint_url=f"http://{address}", region_name="us-east-1", aws_access_key_id=key,
        aws_secret_access_key=key,
    )  # fmt: skip
    return made


def refusal(address: str, method: str, secret: str | None) -> str:
    """What a gRPC server says to an empty call."""
    with grpc.insecure_channel(address) as channel:
        call = channel.unary_unary(method, request_serializer=bytes, response_deserializer=bytes)
        try:
            call(b"", timeout=10, metadata=[("authorization", f"Bearer {secret}")] if secret else None)
        except grpc.RpcError as error:
            return str(error.code().name)
    return "OK"
