"""The Kubernetes manifests: valid, and as secure as the compose file."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from dragoman.operations.deployment import SECRETS

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
FILES = sorted(FOLDER.glob("*.yaml"))
KUBERNETES = "1.33"

_POD = {
    "type": "object",
    "required": ["spec"],
    "additionalProperties": False,
    "properties": {"metadata": {}, "spec": {}},
}
_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
_COUNT = {"type": "integer", "minimum": 0}
_GROUP = {"template": _POD, "rayStartParams": _TEXTS}
KUBERAY: dict[str, Any] = {
    "RayCluster": {
        "type": "object",
        "required": ["headGroupSpec"],
        "additionalProperties": False,
        "properties": {
            "rayVersion": {"type": "string"},
            "enableInTreeAutoscaling": {"type": "boolean"},
            "authOptions": {
                "additionalProperties": False,
                "properties": {"mode": {"enum": ["disabled", "token"]}, "secretName": {"type": "string"}},
            },
            "autoscalerOptions": {
                "additionalProperties": False,
                "properties": {
                    "version": {"enum": ["v1", "v2"]}, "idleTimeoutSeconds": _COUNT, "securityContext": {},
                    "resources": {},
                },
            },
            "headGroupSpec": {"required": ["template"], "additionalProperties": False, "properties": _GROUP},
            "workerGroupSpecs": {
                "type": "array",
                "items": {
                    "required": ["groupName", "maxReplicas", "minReplicas", "template"],
                    "additionalProperties": False,
                    "properties": {
                        **_GROUP, "groupName": {"type": "string"}, "replicas": _COUNT, "minReplicas": _COUNT,
                        "maxReplicas": _COUNT,
                    },
                },
            },
        },
    },
    "RayJob": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "entrypoint": {"type": "string"}, "clusterSelector": _TEXTS, "preRunningDeadlineSeconds": _COUNT,
            "submissionMode": {"enum": ["K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"]},
        },
    },
}  # fmt: skip
"""The fields in use of KubeRay 1.7's ray.io/v1, as its API reference has them; the definitions themselves are checked
where KUBERAY_CRDS names a folder that holds them (ray-operator/config/crd/bases of KubeRay)."""


def objects() -> Iterator[Any]:
    """Every object of every file."""
    for file in FILES:
        for found in yaml.safe_load_all(file.read_text()):
            if not found["apiVersion"].startswith("kustomize"):
                yield pytest.param(found, id=f"{file.stem}-{found['kind']}")


def pods(found: Any) -> list[Any]:
    """The pod templates of an object."""
    spec = found.get("spec", {})
    groups = [spec["headGroupSpec"], *spec["workerGroupSpecs"]] if found["kind"] == "RayCluster" else [spec]
    return [group["template"] for group in groups if "template" in group]


@pytest.mark.parametrize("found", list(objects()))
def test_it_is_what_the_schemas_say(found: Any) -> None:
    if found["apiVersion"] != "ray.io/v1":
        kubernetes_validate.validate(found, KUBERNETES, strict=True)
        return
    jsonschema.validate(found["spec"], KUBERAY[found["kind"]])
    for template in pods(found):
        pod = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "p"}, "template": template}
        kubernetes_validate.validate(pod, KUBERNETES, strict=True)


@pytest.mark.skipif("KUBERAY_CRDS" not in os.environ, reason="KUBERAY_CRDS names no folder of KubeRay's definitions")
@pytest.mark.parametrize("found", [each for each in objects() if each.values[0]["apiVersion"] == "ray.io/v1"])
def test_it_is_what_kuberays_own_definitions_say(found: Any) -> None:
    name = f"ray.io_{found['kind'].lower()}s.yaml"
    definition = yaml.safe_load((Path(os.environ["KUBERAY_CRDS"]) / name).read_text())
    (version,) = (each for each in definition["spec"]["versions"] if each["name"] == "v1")
    schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    jsonschema.validate(found["spec"], strict(schema))


def strict(schema: Any) -> Any:
    """A definition that allows nothing it does not name, and numbers where Kubernetes takes both."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items()}
    if made.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    if isinstance(made.get("properties"), dict) and made.get("type") == "object":
        made.setdefault("additionalProperties", False)
    return made


@pytest.mark.parametrize("found", list(objects()))
def test_pods_are_confined_and_secrets_come_by_reference(found: Any) -> None:
    for template in pods(found):
        spec = template["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]
            for variable in container["env"]:
                if "valueFrom" in variable:
                    reference = variable["valueFrom"]["secretKeyRef"]
                    assert reference["name"] == "dragoman"
                    assert reference["key"] in SECRETS
                else:
                    assert not variable["name"].endswith(("PASSWORD", "TOKEN", "KEY"))


def test_gpu_workers_come_from_none_and_ray_asks_for_its_token() -> None:
    cluster = yaml.safe_load((FOLDER / "ray.yaml").read_text())["spec"]
    assert cluster["authOptions"] == {"mode": "token", "secretName": "dragoman-ray"}
    assert cluster["enableInTreeAutoscaling"] is True
    gpu = {group["groupName"]: group for group in cluster["workerGroupSpecs"]}["gpu"]
    assert (gpu["replicas"], gpu["minReplicas"]) == (0, 0)
    limits = gpu["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert limits["nvidia.com/gpu"] == "1"
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"


def test_the_kustomization_names_every_file_but_the_job() -> None:
    named = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
    assert sorted(named) == sorted(file.name for file in FILES if file.name not in ("kustomization.yaml", "job.yaml"))
