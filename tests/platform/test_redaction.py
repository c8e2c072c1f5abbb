"""Secrets never reach what is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.redaction import masked

URL_SAFE = st.text("abcdefghijklmnopqrstuvwxyz0123456789-._~%", min_size=6)


@given(URL_SAFE)
def test_passwords_in_urls(password: str) -> None:
    assert f":{password}@" not in masked(f"can't connect to postgresql+psycopg://ann:{password}@host:5432/db (timeout)")


@given(st.sampled_from(["password", "DB_PASSWORD", "api_key", "token", "aws_secret_access_key"]), URL_SAFE)
def test_values_behind_names_that_say_secret(name: str, value: str) -> None:
    secret = f"s3cr3t{value}"
    for text in (f"{name}={secret}", f"https://host/?a=1&{name}={secret}&b=2", f'{{"{name}": "{secret} and more"}}'):
        assert secret not in masked(text)


def test_tokens_of_requests() -> None:
    assert masked("Authorization: Bearer abc.def-123456") == "Authorization: Bearer ***"


@pytest.mark.parametrize(
    "text", ["sqlite:////data/store.db", "s3://bucket/blobs", "max_new_tokens=24", "http://localhost:5000/a@b"]
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert masked(text) == text
