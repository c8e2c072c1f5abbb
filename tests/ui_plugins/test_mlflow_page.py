"""What a browser without preferences is shown first by MLflow's own page, as we serve it."""

import pytest
from flask import Flask, Response

from dragoman_ui.mlflow_page import set_preferences


@pytest.mark.parametrize(("prefix", "telemetry", "is_quiet"), [("", "true", True), ("/lab", "false", False)])
def test_the_page_begins_with_training_and_without_a_notice_of_what_is_off(
    monkeypatch: pytest.MonkeyPatch, prefix: str, telemetry: str, is_quiet: bool
) -> None:
    monkeypatch.delenv("DO_NOT_TRACK", raising=False)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", telemetry)
    app = Flask(__name__)
    page = "<html><head><title>MLflow</title></head></html>"
    app.add_url_rule(f"{prefix}/", view_func=lambda: Response(page, headers={"ETag": "file"}))
    app.add_url_rule("/other", "other", lambda: page)
    set_preferences(app, prefix)
    served = app.test_client().get(f"{prefix}/")
    assert '"mlflow.workflowType_v1": "machine_learning"' in served.text
    assert ("mlflow.telemetry.info.alert.dismissed_v1" in served.text) is is_quiet
    assert served.text.startswith("<html><head><script>")
    assert int(served.headers["Content-Length"]) == len(served.data)
    assert "ETag" not in served.headers
    assert app.test_client().get("/other").text == page
