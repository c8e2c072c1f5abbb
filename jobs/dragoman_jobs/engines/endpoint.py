"""An endpoint of OpenAI's protocol: address and limits from the environment, client, errors as sentences."""

import os
import re
from typing import TYPE_CHECKING, Self

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from dragoman.errors import ModelError, first_line, nearest
from dragoman.redaction import remember

if TYPE_CHECKING:
    from openai import AsyncOpenAI


_TOO_LONG = re.compile(
    r"context.?(length|window|size)|max_model_len|maximum (model )?length|too (long|many tokens)", re.I
)
"""How servers say, beside the protocol's own code, that a prompt is longer than the model's context."""


class OpenAIEndpoint(BaseSettings):
    """Where and how to ask, from the environment: `OPENAI_*` as other programs have it, else `DRAGOMAN_OPENAI_*`."""

    model_config = SettingsConfigDict(env_prefix="DRAGOMAN_OPENAI_", frozen=True)

    url: str = Field(default="https://api.openai.com/v1", validation_alias="OPENAI_BASE_URL")
    """The endpoint, up to `/v1`."""
    key: SecretStr = Field(default=SecretStr(""), validation_alias="OPENAI_API_KEY")
    """The key; servers of one's own often need none."""
    requests_per_minute: float = Field(default=500, gt=0)
    """The most requests that each worker begins in a minute, whichever cells they are for."""
    concurrency: int = Field(default=16, ge=1)
    """The most requests that each worker has open at once."""
    retries: int = Field(default=6, ge=0)
    """How often a request is tried again after a refusal for its rate, a fault of the server or a lost connection."""
    timeout: float = Field(default=120, gt=0)
    """Seconds to wait for an answer."""
    price_in: float = Field(default=0, ge=0)
    """What a million tokens read cost."""
    price_out: float = Field(default=0, ge=0)
    """What a million tokens written cost."""
    budget: float = Field(default=0, ge=0)
    """What may be spent on a model, by all workers in all runs; 0 is no limit."""

    @classmethod
    def at(cls, url: str | None, variable: str | None) -> Self:
        """The endpoint at an address, or the environment's.

        An address from a spec never gets OPENAI_API_KEY unasked: whoever wrote it would have the key.

        Args:
            url: the address; None is the environment's.
            variable: the variable that holds its key.

        Raises:
            ModelError: the variable is not set.
        """
        found = cls()
        if variable is not None:
            key = os.environ.get(variable, "")
            if not key:
                raise ModelError(
                    f"The variable {variable}, which is to hold the endpoint's key, is not set: set it where the grid "
                    "runs, or mend key_variable."
                )
        else:
            key = found.key.get_secret_value() if url is None else ""
        remember(key)
        return found.model_copy(update={"url": url or found.url, "key": SecretStr(key)})


def client_of(endpoint: OpenAIEndpoint) -> "AsyncOpenAI":
    """What asks it; it tries again where that may help."""
    from openai import AsyncOpenAI

    return AsyncOpenAI(
        base_url=endpoint.url,
        api_key=endpoint.key.get_secret_value() or "none",
        max_retries=endpoint.retries,
        timeout=endpoint.timeout,
    )


async def check(endpoint: OpenAIEndpoint, model: str) -> None:
    """See that it answers and has a model.

    Raises:
        ModelError: it does not; the sentence says why.
    """
    import openai

    async with client_of(endpoint) as client:
        try:
            served = [each.id async for each in client.models.list()]
        except openai.NotFoundError:  # a server that keeps no list says so when it is asked for text
            return
        except (openai.OpenAIError, ValueError, AttributeError, TypeError) as error:
            raise sentence(endpoint, model, error) from error
    if served and model not in served:
        raise ModelError(f"The endpoint {endpoint.url} has no model {model}: {nearest(model, served)}")


def has_no_room(error: Exception) -> bool:
    """Whether a refusal says that a prompt is longer than the model's context."""
    import openai

    if not isinstance(error, openai.BadRequestError):
        return False
    return error.code == "context_length_exceeded" or _TOO_LONG.search(str(error)) is not None


def is_filtered(error: Exception) -> bool:
    """Whether a refusal is that of a filter of contents."""
    import openai

    return isinstance(error, openai.BadRequestError) and error.code == "content_filter"


def sentence(endpoint: OpenAIEndpoint, model: str, error: Exception) -> Exception:
    """What the user reads of a refusal; a server's own words about a key are left out, for they may quote it."""
    import openai

    match error:
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return ModelError(
                f"The endpoint {endpoint.url} refuses the key: set OPENAI_API_KEY, or the variable that "
                "key_variable names, to one it takes."
            )
        case openai.NotFoundError():
            return ModelError(
                f"The endpoint {endpoint.url} has no model {model}: mend its name, or the endpoint's address."
            )
        case openai.RateLimitError():
            return ModelError(
                f"The endpoint {endpoint.url} refuses more requests, also after {endpoint.retries} tries "
                f"({_said(endpoint, error)}): lower DRAGOMAN_OPENAI_REQUESTS_PER_MINUTE, or look at the account."
            )
        case openai.APIConnectionError():
            return ModelError(
                f"The endpoint {endpoint.url} can't be reached: mend OPENAI_BASE_URL, or the endpoint that the "
                "spec names, or start the server."
            )
        case openai.OpenAIError():
            return ModelError(f"The endpoint {endpoint.url} can't answer for {model} ({_said(endpoint, error)}).")
        case ValueError() | AttributeError() | TypeError() | LookupError():  # no JSON, or of another form
            return ModelError(
                f"What answers at {endpoint.url} does not speak OpenAI's protocol ({_said(endpoint, error)}): give the "
                "address of an endpoint, up to /v1."
            )
    return error


def _said(endpoint: OpenAIEndpoint, error: Exception) -> str:
    key = endpoint.key.get_secret_value()
    return first_line(error).replace(key, "***") if key else first_line(error)
