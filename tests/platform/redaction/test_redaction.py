"""Secrets never reach what is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.redaction import masked

URL_SAFE = st.text("abcdefghijklmnopqrstuvwxyz0123456789-._~%", min_size=6)


SECRET_NAMES = [
    *("password", "DB_PASSWORD", "PGPASSWORD", "api_key", "X-Api-Key", "OPENAI_API_KEY", "aws_secret_access_key"),
    *("token", "HF_TOKEN", "RAY_AUTH_TOKEN", "hub-token", "authToken", "tokenValue", "csrf_token_2", "secret_token"),
    *("MLFLOW_FLASK_SERVER_SECRET_KEY", "client_secret", "passwd"),
]


@given(URL_SAFE)
def test_passwords_in_urls(password: str) -> None:
    assert f":{password}@" not in masked(f"can't connect to postgresql+psycopg://ann:{password}@host:5432/db (timeout)")


@given(st.sampled_from(SECRET_NAMES), URL_SAFE)
def test_values_behind_names_that_say_secret(name: str, value: str) -> None:
    secret = f"s3cr3t{value}"
    for text in (f"{name}={secret}", f"https://host/?a=1&{name}={secret}&b=2", f'{{"{name}": "{secret} and more"}}'):
        assert secret not in masked(text)


def test_tokens_of_requests() -> None:
    assert masked("Authorization: Bearer abc.def-123456") == "Authorization: Bearer ***"
    # RFC 7617, section 2: the user Aladdin with the password "open sesame"
    assert masked("Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==") == "Authorization: Basic ***"


@pytest.mark.parametrize(
    "text",
    [
        *("sqlite:////data/store.db", "s3://bucket/blobs", "max_new_tokens=24", "http://localhost:5000/a@b"),
        # words that begin like a secret's name
        "The model m has no tokenizer: save the one it was trained with.",
        *("TOKENIZERS_PARALLELISM=false", "tokenization: by characters", "tokenizer='13a'", "secretary: Ann"),
        # the tokens of a tokenizer
        *("eos_token_id=2", 'pad_token: "<pad>"', "forced_bos_token_id: 250004", "decoder_start_token_id=2"),
        *("token_type_ids: [0, 0]", "a basic translation of it", "passwordless: yes"),
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert masked(text) == text
