"""Whatever the description of the API allows to be asked gets an answer of the kind it promises, and never a 500."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from dragoman_ui.api import ENDPOINTS

REAL = {
    "grid": "demo", "model": "roles", "metric": "bleu", "against": "base", "source": "en", "target": "ar",
    "name": "demo-translator", "version": "1", "signature": None, "by": None, "alias": None,
}  # fmt: skip
"""What is there: of random names nothing is."""
CHECKS = [not_a_server_error, response_schema_conformance]
FEW = settings(
    max_examples=6, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.fixture
def schema(filled: Path, browse: Callable[..., FlaskClient]) -> Any:
    """The description, as the server gives it."""
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
