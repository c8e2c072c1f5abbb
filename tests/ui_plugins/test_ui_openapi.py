"""Whatever the description of the API allows to be asked gets an answer of the kind it promises, and never a 500."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import update

from dragoman.settings import settings as dragoman_settings
from dragoman.spec.decoding import Decoding
from dragoman.spec.grid import GridSpec
from dragoman.store.schema import GridRow
from dragoman.store.store import Store
from dragoman.tracking.logged_models import DECODING_TAG, GRID_TAG, MODEL_TAG, NAME_TAG, PROMPT_TAG
from dragoman_registry.registry_client.client import client_at
from dragoman_ui.api.scores import ENDPOINTS

REAL = {
    "grid": "demo", "model": "roles", "metric": "bleu", "against": "base", "source": "en", "target": "ar",
    "name": "demo-translator", "version": "1", "signature": None, "by": None, "alias": None, "prompt": None,
    "beside": None, "label": None, "replacing": None, "policy": None, "signatures": None,
}  # fmt: skip
"""What is there: of random names nothing is."""
CHECKS = [not_a_server_error, response_schema_conformance, content_type_conformance, status_code_conformance]
FEW = settings(
    max_examples=10, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.fixture(scope="module")
def registered_home(filled_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose grid has registered a model, and a policy for it."""
    home = tmp_path_factory.mktemp("registered") / "home"
    shutil.copytree(filled_home, home)
    store = Store.open_existing(f"sqlite:///{home}/store.db", f"file://{home}/blobs")
    grid = store.grids.get("demo")
    promotion = {"model": REAL["name"], "rules": [{"over": "seen", "at_least": 20, "coverage": 0.5}]}
    spec = GridSpec.model_validate({**grid.spec, "promotion": promotion})
    with store.database.writing() as connection:
        connection.execute(update(GridRow).values(spec=spec.model_dump(mode="json")))
    store.close()
    client, name = client_at(f"sqlite:///{home}/mlflow.db"), str(REAL["name"])
    client.create_registered_model(name)
    model = next(identity for identity, called in grid.names.items() if called == "english-centric")
    tags = {MODEL_TAG: model, GRID_TAG: "demo", NAME_TAG: "english-centric", PROMPT_TAG: spec.prompts[0].id,
            DECODING_TAG: Decoding().id}  # fmt: skip
    client.create_model_version(name, "file:///nowhere", tags=tags)
    return home


@pytest.fixture
def schema(registered_home: Path, use_home: Callable[[Path], None], browse: Callable[..., FlaskClient]) -> Any:
    """The description, as the server gives it."""
    use_home(registered_home)
    assert dragoman_settings().home == registered_home
    return schemathesis.openapi.from_wsgi("/ajax-api/3.0/dragoman/openapi.json", browse().application)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
def test_no_question_breaks_the_server(schema: Any, endpoint: Any) -> None:
    @FEW
    @given(case=schema[f"/{endpoint.path}"][endpoint.method].as_strategy())
    def ask(case: Any) -> None:
        case.headers = {**(case.headers or {}), "X-Dragoman-Client": "a test", "Accept-Encoding": "identity"}
        case.call_and_validate(checks=CHECKS)
        for part in (case.query, case.body):
            if isinstance(part, dict):
                for name in REAL.keys() & part.keys():
                    part[name] = REAL[name]
                    if part[name] is None:
                        del part[name]
        case.call_and_validate(checks=CHECKS)

    ask()
