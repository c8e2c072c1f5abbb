"""Endpoints of the JSON API: typed requests and responses (pydantic), and their OpenAPI description."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, get_origin

from flask import Response, request
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.json_schema import models_json_schema
from werkzeug.exceptions import RequestEntityTooLarge

from dragoman.errors import DragomanError, ModelError, StoreError, StoreUnusableError, nearest
from dragoman.reading import parse_json
from dragoman.settings import settings
from dragoman.spec.loading import sentence
from dragoman.store.maintenance.integrity import sentence_of_damage
from dragoman_registry.audit.log import UnderWayError
from dragoman_registry.promotion import promotion
from dragoman_ui.auth import csrf
from dragoman_ui.auth.users import ForbiddenError
from dragoman_ui.responses.cache import kept
from dragoman_ui.responses.validation import NO_TEXT, is_text, unread
from dragoman_ui.viewmodels.store import stamp

LONGEST = 1_000_000
"""Most bytes of a write's body."""


class Question(BaseModel):
    """The parameters of an endpoint: in the query, or, where it writes, in the JSON body."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, value: Any) -> Any:
        for key in value if isinstance(value, dict) else ():
            if key not in cls.model_fields:
                raise ValueError(f"has no parameter '{key}'; {nearest(key, cls.model_fields)}")
        return value


class Problem(BaseModel):
    """An error, in the format of MLflow's own API."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    error_code: str
    """One of `INVALID_PARAMETER_VALUE`, `PERMISSION_DENIED`, `RESOURCE_DOES_NOT_EXIST` and `RESOURCE_CONFLICT`."""
    message: str
    """A sentence."""


class Refusal(NamedTuple):
    """A kind of error response."""

    errors: tuple[type[Exception], ...]
    """The exceptions it answers; the first match is used."""
    status: int
    """HTTP status."""
    code: str
    """MLflow's error code."""
    meaning: str
    """Its description in OpenAPI."""
    writes_only: bool = False
    """Whether only writes can get it."""


REFUSALS = (
    Refusal(
        (ForbiddenError, promotion.ForbiddenError),
        403,
        "PERMISSION_DENIED",
        "Whoever asks may not do that.",
        writes_only=True,
    ),
    Refusal(
        (UnderWayError, promotion.PromotionError),
        409,
        "RESOURCE_CONFLICT",
        "As things stand, that can't be.",
    ),
    Refusal((StoreUnusableError,), 503, "TEMPORARILY_UNAVAILABLE", "The results store can't be used."),
    Refusal((StoreError, ModelError), 404, "RESOURCE_DOES_NOT_EXIST", "Something it names is not there."),
    Refusal((DragomanError, ValidationError), 400, "INVALID_PARAMETER_VALUE", "The question makes no sense."),
)
"""Every error response, in the order of matching."""


class Endpoint(NamedTuple):
    """One endpoint."""

    path: str
    """The last part of the path."""
    question: type[BaseModel]
    """Its parameters; a `Question` for GET."""
    answer: type[BaseModel] | None
    """The model of the JSON response; None for a file."""
    respond: Callable[[Any], Any]
    """The function that computes the response."""
    method: Literal["GET", "POST"] = "GET"
    """Its HTTP method; POST where it writes."""
    version: Callable[[Any], str | None] | None = None
    """A version that changes whenever the response may, which is cached until then; where there is none, or it is
    None, the response is computed anew."""
    files: tuple[str, ...] = ()
    """Media types of the file, where the response is one."""

    def view(self) -> Response:
        """Answer one request; an error gets a status and a sentence."""
        asked: Any = None
        try:
            asked = self._parse_request()
            question = self.question.model_validate(asked)
        except (DragomanError, ValidationError) as error:
            return self._error_response(
                error, sentence(error, asked) if isinstance(error, ValidationError) else str(error)
            )
        try:
            if self.version is not None and (version := self.version(question)) is not None:
                return kept(version, "application/json", lambda: self.respond(question).model_dump_json().encode())
            answer = self.respond(question)
        except ValidationError as error:
            return self._error_response(unread(error), str(unread(error)))
        except DragomanError as error:
            return self._error_response(error, str(error))
        except Exception:
            if (told := sentence_of_damage(settings().store_url)) is None:
                raise
            return self._error_response(StoreUnusableError(told), told)
        if isinstance(answer, Response):
            return answer
        return Response(answer.model_dump_json(), mimetype="application/json")

    def _error_response(self, error: Exception, message: str) -> Response:
        refusal = next(each for each in REFUSALS if isinstance(error, each.errors))
        problem = Problem(error_code=refusal.code, message=message)
        return Response(problem.model_dump_json(), status=refusal.status, mimetype="application/json")

    def _parse_request(self) -> Any:
        asked = self._from_query() if self.method == "GET" else self._from_body()
        if not all(is_text(string) for string in _strings(asked)):
            raise DragomanError(NO_TEXT)
        return asked

    def _from_query(self) -> dict[str, Any]:
        """The query; a parameter that may be given several times is a list."""
        fields = self.question.model_fields
        several = {name for name, field in fields.items() if get_origin(field.annotation) is tuple}
        return {name: request.args.getlist(name) if name in several else value for name, value in request.args.items()}

    def _from_body(self) -> dict[str, Any]:
        csrf.check()
        request.max_content_length = LONGEST
        try:
            asked = parse_json(request.get_data(), "The write") if request.is_json else None
        except (RequestEntityTooLarge, ValueError):
            asked = None
        if not isinstance(asked, dict):
            raise DragomanError(
                f"The write holds no question: send a JSON object of at most {LONGEST:,} bytes as application/json."
            )
        return asked

    @property
    def summary(self) -> str:
        """Its summary: the docstring of the function."""
        return (self.respond.__doc__ or "").strip()


def of_store(question: Question) -> str:
    """The version of a response that any write to the results store may change."""
    del question
    return stamp()


def _strings(value: Any) -> Iterator[str]:
    """All strings in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from (name, *_strings(each))
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def openapi(endpoints: Sequence[Endpoint], root: str, version: str) -> dict[str, Any]:
    """The OpenAPI description of some endpoints (https://spec.openapis.org/oas/v3.1.0).

    Args:
        endpoints: the endpoints.
        root: the path below which they are served.
        version: the version of the API.
    """
    answers = [endpoint.answer for endpoint in endpoints if endpoint.answer is not None]
    models: list[type[BaseModel]] = [Problem, *dict.fromkeys(answers)]
    bodies = [endpoint.question for endpoint in endpoints if endpoint.method == "POST"]
    references, schemas = models_json_schema(
        [*((model, "serialization") for model in models), *((model, "validation") for model in bodies)],
        ref_template="#/components/schemas/{model}",
    )

    def content(model: type[BaseModel] | None, files: Sequence[str] = ()) -> dict[str, Any]:
        if model is None:
            return {kind: {"schema": {} if kind == "application/json" else {"type": "string"}} for kind in files}
        return {"application/json": {"schema": references[model, "serialization"]}}

    def operation(endpoint: Endpoint) -> dict[str, Any]:
        is_read = endpoint.method == "GET"
        schema = {"application/json": {"schema": references.get((endpoint.question, "validation"))}}
        return {
            "operationId": endpoint.path,
            "summary": endpoint.summary,
            **(
                {"parameters": _parameters(endpoint.question)}
                if is_read
                else {"parameters": _GUARDS, "requestBody": {"required": True, "content": schema}}
            ),
            "responses": {
                "200": {"description": "The answer.", "content": content(endpoint.answer, endpoint.files)},
                **{
                    str(each.status): {"description": each.meaning, "content": content(Problem)}
                    for each in REFUSALS
                    if not (is_read and each.writes_only)
                },
                "401": {"description": "MLflow's users sign in here, and nobody has."},
            },
        }

    return {
        "openapi": "3.1.0",
        "info": {"title": "Dragoman", "version": version, "description": "Grids, scores, translations and promotions."},
        "servers": [{"url": root}],
        "paths": {f"/{each.path}": {each.method.lower(): operation(each)} for each in endpoints},
        "security": [{}, {"basic": []}],
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {
                "basic": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "A user of MLflow's, where the server is started with `--app-name dragoman-auth`.",
                }
            },
        },
    }


_GUARDS = [
    {
        "name": name,
        "in": "header",
        "required": False,
        "description": meaning,
        "schema": {"type": "string", "pattern": "^[!-~]+$"},
    }
    for name, meaning in (
        (csrf.TOKEN, "The token that `session` gave, sent with its cookie."),
        (csrf.CLIENT, "The name of a program that sends no cookies, in the token's place."),
    )
]
"""The headers of a write."""


def _parameters(question: type[BaseModel]) -> list[dict[str, Any]]:
    schema = question.model_json_schema()
    parameters = []
    for name, field in schema.get("properties", {}).items():
        # an enumeration is under $defs; here it is inlined
        meant = schema["$defs"][field["$ref"].rpartition("/")[2]] if "$ref" in field else field
        parameters.append(
            {
                "name": name,
                "in": "query",
                "required": name in schema.get("required", ()),
                "description": field.get("description") or meant["description"],
                "schema": {key: value for key, value in meant.items() if key != "description"},
            }
        )
    return parameters
