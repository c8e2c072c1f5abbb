"""Secrets that the process knows are masked in every form in which they may be written."""

import base64
import html
import json
import shlex
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import URL

from dragoman.redaction import MASK, known, masked, remember, remember_urls

PRINTABLE = "".join(map(chr, range(32, 127)))
SECRET = st.text(PRINTABLE, min_size=8, max_size=40).map(str.strip).filter(lambda secret: len(secret) >= 8)
TEXT = st.text(max_size=40)
FORMS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "repr": lambda secret: repr(secret)[1:-1],
    "repr of bytes": lambda secret: repr(secret.encode())[2:-1],
    "JSON": lambda secret: json.dumps(secret)[1:-1],
    "JSON in JSON": lambda secret: json.dumps(json.dumps(secret))[3:-3],
    "repr of JSON": lambda secret: repr(json.dumps([secret]))[3:-3],
    "shell": lambda secret: shlex.quote(secret).strip("'"),
    "percent": lambda secret: quote(secret, safe=""),
    "percent, in a path": quote,
    "percent, in a form": quote_plus,
    "percent, twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "HTML": html.escape,
    "configparser": lambda secret: secret.replace("%", "%%"),
    "SQL": lambda secret: secret.replace("'", "''"),
    "SQLAlchemy": lambda secret: URL.create("x", "u", secret, "h").render_as_string(False)[6:-2],
    "Base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "Basic": lambda secret: base64.b64encode(f"aladdin:{secret}".encode()).decode(),
    "Base64 for URLs": lambda secret: base64.urlsafe_b64encode(f"ann:{secret}:x".encode()).decode().rstrip("="),
}


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """What one test has remembered is no secret in the next."""
    before = known._remembered
    yield
    known._remembered = before


def only(secret: str) -> None:
    known._remembered = frozenset()
    remember(secret)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=40)
@given(SECRET, TEXT, TEXT)
@example("a'b\"c\\d%e f", "", "")
@example('""""""""""', "", '"')
@example("\\\\\\\\\\\\\\\\", "", "")
@example("+ + + + + +", "+", "+")
def test_in_every_form(form: str, secret: str, before: str, after: str) -> None:
    assume(secret.casefold() not in known._PUBLIC)
    only(secret)
    written = FORMS[form](secret)
    shown = known.mask_known(f"{before}\n{written}\n{after}", "\0")
    # what is masked is longer where the text around it goes on as the secret ends; never shorter
    assert written not in shown or written in f"{before}\n{after}"
    assert "\0" in shown


@settings(max_examples=40)
@given(SECRET)
def test_from_the_environment_and_from_urls(secret: str) -> None:
    assume(secret.casefold() not in known._PUBLIC)
    known._remembered = frozenset()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", secret)
        assert secret not in masked(f"[{secret}]")
    assert known.mask_known(f"[{secret}]", MASK) == f"[{secret}]"
    remember_urls(URL.create("postgresql+psycopg", "ann", secret, "host", 5432, "store").render_as_string(False))
    assert secret not in masked(f"[{secret}]")


@pytest.mark.parametrize(
    "name",
    [
        *(
            "HF_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "MLFLOW_TRACKING_PASSWORD",
            "MLFLOW_TRACKING_TOKEN",
        ),
        *("OPENAI_API_KEY", "DRAGOMAN_OPENAI_KEY", "RAY_AUTH_TOKEN", "MLFLOW_FLASK_SERVER_SECRET_KEY", "PGPASSWORD"),
        *("lab_credential", "MLFLOW_CRYPTO_KEK_PASSPHRASE", "WANDB_API_KEY", "AZURE_STORAGE_ACCESS_KEY", "DB_PASS"),
    ],
)
def test_variables_whose_names_say_it(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "xyzzy-plugh")
    assert masked("it said xyzzy-plugh") == f"it said {MASK}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("RAY_AUTH_TOKEN_PATH", "/home/ann/.ray/auth_token"), ("RAY_AUTH_MODE", "token"), ("PWD", "/home/ann/grids")),
        *(("TOKENIZERS_PARALLELISM", "false"), ("DRAGOMAN_BATCH_TOKENS", "16777216"), ("MY_PASSWORD", "word")),
        *(("AWS_SHARED_CREDENTIALS_FILE", "/home/ann/credentials"), ("MLFLOW_TRACKING_USERNAME", "administrator")),
        *(("DRAGOMAN_STORE", "postgresql://dragoman:dragoman@db/dragoman"), ("POSTGRES_PASSWORD", "dragoman")),
        ("HTTP_PROXY", "http://proxy.example.org:3128"),
    ],
)
def test_variables_that_hold_no_secret(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    for part in (value.partition("//")[0], "dragoman", "password", "proxy.example.org:3128"):
        assert masked(f"it said {part} again") == f"it said {part} again"


def test_passwords_and_parameters_of_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRAGOMAN_STORE", "postgresql+psycopg://ann:p%40ss/wo@rd@db:5432/store?sslpassword=other-one")
    for part in ("p%40ss/wo@rd", "p@ss/wo@rd", "other-one"):
        assert part not in masked(f"it said {part} to us")


def test_short_ones_where_they_stand_alone() -> None:
    only("s3cret")
    assert masked("s3cret, (s3cret) and s3crets") == f"{MASK}, ({MASK}) and s3crets"


def test_the_longest_goes_first() -> None:
    remember("open sesame", "open sesame, please")
    assert masked("open sesame, please!") == f"{MASK}!"


def test_lines_of_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_PRIVATE_KEY", "-----BEGIN X-----\nabcdefghijklmnopqrstuvwxyz\n-----END X-----")
    assert masked("its line 2 (abcdefghijklmnopqrstuvwxyz)") == f"its line 2 ({MASK})"
