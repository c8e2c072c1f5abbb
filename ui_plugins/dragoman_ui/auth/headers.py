"""Security headers of the responses, and read access for MLflow's users."""

from pathlib import Path

from flask import Blueprint, Flask, Response

from dragoman_ui.auth.users import WITH_USERS

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
    )
)
"""Content-Security-Policy (https://www.w3.org/TR/CSP3/): our own files and nothing else, no inline script or style.

Names, notes and hypotheses are escaped by the templates; should one slip through, the browser still runs nothing of it.
"""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of every response."""


def protect(response: Response) -> Response:
    """Add the headers to a response."""
    response.headers.update(HEADERS)
    return response


def admit_users(app: Flask, *blueprints: Blueprint) -> None:
    """Let every user of MLflow's authentication through to us: it refuses routes without a validator.

    All of them may read; each write checks roles itself. Validators are registered by exact path. That is why our
    routes take their parameters from the query; style sheets and scripts are listed one by one.
    """
    from mlflow.server.auth import BEFORE_REQUEST_VALIDATORS

    app.config[WITH_USERS] = True
    folders = {blueprint.name: Path(blueprint.static_folder or "") for blueprint in blueprints}
    for rule in app.url_map.iter_rules():
        folder = folders.get(rule.endpoint.partition(".")[0])
        if folder is None:
            continue
        names = [file.name for file in folder.iterdir()] if rule.arguments else [""]
        for name in names:
            for method in (rule.methods or set()) & {"GET", "POST"}:
                BEFORE_REQUEST_VALIDATORS[rule.rule.replace("<path:filename>", name), method] = _is_signed_in


def _is_signed_in() -> bool:
    """Validator that accepts every user: MLflow calls it only after authentication."""
    return True
