"""Asks a server's every route as each kind of person, and prints the answers as JSON.

    python tests/ui_plugins/route_answers.py users HOME     a server with users
    python tests/ui_plugins/route_answers.py token HOME     the server of `dragoman ui`
    python tests/ui_plugins/route_answers.py routes HOME    the routes of a server with users, unasked

The server is the real one: the allow-list, MLflow's authentication and its permissions all decide. Only what MLflow
does once it has let a request through is left out, so that nothing is deleted while the rest is still to be asked; our
own writes check roles by themselves, and run. A process of its own, since MLflow's app is one for all of a process.
"""

import base64
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from mlflow_users import AUTH

REACHED = 418
"""The status of a request that MLflow has let through."""
TOKEN = "the token of a test"
MODEL = "demo-translator"
PASSWORDS = {"admin": "an admin's password", "viewer": "a viewer's password", "submitter": "a submitter's one",
             "promoter": "a promoter's one"}  # fmt: skip
OURS = {"stop": ("grid",), "retry": ("grid",), "promote": ("name", "version"), "rollback": ("name",),
        "refuse": ("name", "version", "reason")}  # fmt: skip
"""Our own writes, and the parameters they take."""
GRANTS = {"submitter": "EDIT", "promoter": "MANAGE"}


def main(mode: str, home: Path) -> None:
    environment(home, mode)
    from starlette.testclient import TestClient

    from dragoman_ui.app import create_app, create_app_with_users

    app = create_app() if mode == "token" else create_app_with_users()
    if mode == "routes":
        json.dump([[route.method, route.path, route.template] for route in app.table], sys.stdout)
        return
    client = TestClient(app, base_url="http://localhost", raise_server_exceptions=False, follow_redirects=False)
    people = {"anonymous": {}, **{name: basic(name) for name in ("viewer", "submitter", "promoter", "admin")}}
    if mode == "token":
        people = {"another local user": {}, "whoever has the token": {"Authorization": f"Bearer {TOKEN}"}}
    known = things(client, mode)
    stub()
    rows = []
    for route in app.table:
        path = filled(route.template, known)
        for who, headers in people.items():
            asked = known_for(route.path, known | {"username": who})
            answer = client.request(
                route.method, path, params=scalars(asked), json=asked,
                headers={"X-Dragoman-Client": "a test", "X-Mlflow-Experiment-Id": known["experiment_id"], **headers},
            )  # fmt: skip
            rows.append([route.method, route.template, route.path, who, answer.status_code])
    json.dump(rows, sys.stdout)


def known_for(path: str, known: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a request; MLflow takes a run or a model to upload to, not both."""
    dropped = ("model_id",) if path.endswith("presigned-upload-url") else ()
    kept = OURS.get(path.removeprefix("3.0/dragoman/"), tuple(known))
    return {name: value for name, value in known.items() if name in kept and name not in dropped}


def scalars(asked: dict[str, Any]) -> dict[str, Any]:
    """What of it a query can hold."""
    return {name: value for name, value in asked.items() if name not in ("trace", "locations")}


def environment(home: Path, mode: str) -> None:
    (home / "auth.ini").write_text(AUTH.format(home=home))
    os.environ |= {
        "DRAGOMAN_HOME": str(home),
        "DRAGOMAN_UI_TOKEN": TOKEN if mode == "token" else "",
        "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORDS["admin"],
        "MLFLOW_AUTH_CONFIG_PATH": str(home / "auth.ini"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "a secret for a test",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": f"file://{home}/artifacts",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{home}/mlflow.db",
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SGI_NAME": "uvicorn",
    }


def basic(name: str) -> dict[str, str]:
    secret = base64.b64encode(f"{name}:{PASSWORDS[name]}".encode()).decode()
    return {"Authorization": f"Basic {secret}"}


def things(client: Any, mode: str) -> dict[str, Any]:
    """What the requests are about: made by whoever may do everything, and open to the others as far as they go."""
    headers = {"Authorization": f"Bearer {TOKEN}"} if mode == "token" else basic("admin")

    def post(path: str, **asked: Any) -> dict[str, Any]:
        answer = client.post(f"/api/{path}", json=asked, headers=headers)
        assert answer.status_code == 200, (path, answer.text)
        return answer.json() if answer.text else {}

    experiment = post("2.0/mlflow/experiments/create", name="demo")["experiment_id"]
    run = post("2.0/mlflow/runs/create", experiment_id=experiment)["run"]["info"]["run_id"]
    post("2.0/mlflow/registered-models/create", name=MODEL)
    post("2.0/mlflow/model-versions/create", name=MODEL, run_id=run,
         source=f"mlflow-artifacts:/{experiment}/{run}/artifacts/model")  # fmt: skip
    logged = post("2.0/mlflow/logged-models", experiment_id=experiment, name="logged")["model"]["info"]["model_id"]
    known = {
        "experiment_id": experiment, "experiment_ids": [experiment], "experiment_name": "demo", "run_id": run,
        "run_uuid": run, "run_ids": [run], "name": MODEL, "version": "1", "model_id": logged, "alias": "other",
        "artifact_path": f"{experiment}/{run}/artifacts/none", "filename": "pages.css", "grid": "demo",
        "reason": "a test",
        "resource_type": "experiment", "resource_id": experiment, "permission": "READ", "role_id": 1,
    }  # fmt: skip
    known |= reviewed(experiment)
    if mode == "users":
        for name in ("viewer", "submitter", "promoter"):
            post("2.0/mlflow/users/create", username=name, password=PASSWORDS[name])
        for name, permission in GRANTS.items():
            for kind, identity in (("experiment", experiment), ("registered_model", MODEL)):
                post("3.0/mlflow/users/permissions/grant", username=name, resource_type=kind, resource_id=identity,
                     permission=permission)  # fmt: skip
    return known


def reviewed(experiment: str) -> dict[str, Any]:
    """A trace, what was said of it, and what else MLflow keeps for an experiment."""
    from mlflow.entities import AssessmentSource, Feedback, TraceInfo, TraceLocation, TraceState
    from mlflow.genai.label_schemas.label_schemas import InputPassFail, LabelSchemaType
    from mlflow.genai.review_queues import ReviewQueueType
    from mlflow.server.handlers import _get_tracking_store

    store = _get_tracking_store()
    at = TraceLocation.from_experiment_id(experiment)
    here = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}
    trace = store.start_trace(TraceInfo(trace_id="tr-1", trace_location=at, request_time=0, state=TraceState.OK))
    source = AssessmentSource(source_type="HUMAN", source_id="admin")
    said = store.create_assessment(Feedback(name="good", value=True, source=source, trace_id=trace.trace_id))
    schema = store.create_label_schema(
        experiment, name="s", type=LabelSchemaType.FEEDBACK, input=InputPassFail("y", "n")
    )
    queue = store.create_review_queue(experiment, name="q", queue_type=ReviewQueueType.CUSTOM, users=[*PASSWORDS])
    return {
        "request_id": trace.trace_id, "trace_id": trace.trace_id, "trace_ids": [trace.trace_id],
        "assessment_id": said.assessment_id, "schema_id": schema.schema_id, "queue_id": queue.queue_id,
        "dataset_id": store.create_dataset("d", experiment_ids=[experiment]).dataset_id,
        "issue_id": store.create_issue(experiment, "i", "an issue").issue_id,
        "trace": {"trace_info": {"trace_id": "tr-2", "trace_location": here}}, "locations": [here],
    }  # fmt: skip


def stub() -> None:
    """Have the routes do nothing but our own writes, which check roles: what comes before them still decides."""
    from mlflow.server import app as flask

    for name in {rule.endpoint for rule in flask.url_map.iter_rules()} - {f"dragoman_api.{each}" for each in OURS}:
        flask.view_functions[name] = lambda **_: ("reached", REACHED)


def filled(template: str, known: dict[str, Any]) -> str:
    """A path with something in place of each parameter."""
    return re.sub(r"\{(\w+)(?::\w+)?\}|<(?:[^<>:]+:)?(\w+)>",
                  lambda found: str(known.get(found[1] or found[2], "none")), template)  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).resolve())
