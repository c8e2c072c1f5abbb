"""MLflow's own page as we serve it: training is what it shows first, and no notice of reports that are off.

Both are preferences that MLflow 3.17 keeps in the browser, under these names: a script sets them where the reader has
not chosen.
"""

import json
import os
from typing import Any

from flask import Flask, Response, request

_TRAINING = {"mlflow.workflowType_v1": "machine_learning"}
_NOTICE_READ = {"mlflow.telemetry.info.alert.dismissed_v1": True}

_SCRIPT = """<script>
for (const [key, value] of Object.entries(%s)) {
  try { if (localStorage.getItem(key) === null) localStorage.setItem(key, JSON.stringify(value)); } catch { break; }
}
</script>"""


def set_preferences(app: Flask, prefix: str = "") -> None:
    """Have MLflow's page set the preferences of a browser that has none.

    Args:
        app: MLflow's Flask app.
        prefix: the path below which this server is mounted.
    """

    def add(response: Response) -> Response:
        is_page = request.path == f"{prefix}/" and response.mimetype == "text/html" and response.status_code == 200
        if not is_page or request.method != "GET":
            return response
        response.direct_passthrough = False
        page = response.get_data(as_text=True)
        response.set_data(page.replace("<head>", f"<head>{_script()}", 1))
        for header in ("ETag", "Last-Modified"):  # they are those of MLflow's file
            response.headers.pop(header, None)
        return response

    app.after_request(add)


def _script() -> str:
    preferences: dict[str, Any] = dict(_TRAINING)
    if any(
        os.environ.get(name, "").casefold() in ("true", "1") for name in ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK")
    ):
        preferences |= _NOTICE_READ
    return _SCRIPT % json.dumps(preferences)
