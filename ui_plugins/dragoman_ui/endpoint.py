"""One address of the JSON API: a typed question, a typed answer, and the OpenAPI description of both."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from flask import Response, request
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.json_schema import models_json_schema

from dragoman.errors import DragomanError, StoreError, nearest
from dragoman.spec.loading import sentence


class Question(BaseModel):
    """The parameters of an address, all in the query."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _knows_every_key(cls, value: dict[str, str]) -> dict[str, str]:
        for key in value:
            if key not in cls.model_fields:
                raise ValueError(f"has no parameter '{key}'; {nearest(key, cls.model_fields)}")
        return value


class Problem(BaseModel):
    """Why there is no answer, as MLflow's own API says it."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    error_code: str
    """`INVALID_PARAMETER_VALUE` or `RESOURCE_DOES_NOT_EXIST`."""
    message: str
    """A sentence."""


class Endpoint(NamedTuple):
    """One address, read with GET."""

    path: str
    """The last part of the address."""
    question: type[Question]
    """Its parameters."""
    answer: type[BaseModel] | None
    """What comes back as JSON; None where `respond` makes the whole response."""
    respond: Callable[[Any], Any]
    """Answers a question."""

    def view(self) -> Response:
        """Answer one request: mistakes in the question are 400, what is not there is 404, each with its sentence."""
        try:
            question = self.question.model_validate(request.args.to_dict())
        except ValidationError as error:
            return _problem(400, "INVALID_PARAMETER_VALUE", sentence(error, request.args.to_dict()))
        try:
            answer = self.respond(question)
        except StoreError as error:
            return _problem(404, "RESOURCE_DOES_NOT_EXIST", str(error))
        except DragomanError as error:
            return _problem(400, "INVALID_PARAMETER_VALUE", str(error))
        if isinstance(answer, Response):
            return answer
        return Response(answer.model_dump_json(), mimetype="application/json")

    @property
    def summary(self) -> str:
        """What it answers."""
        return (self.respond.__doc__ or "").strip()


def _problem(status: int, code: str, message: str) -> Response:
    return Response(
        Problem(error_code=code, message=message).model_dump_json(), status=status, mimetype="application/json"
    )


def openapi(endpoints: Sequence[Endpoint], root: str, version: str) -> dict[str, Any]:
    """The description of some endpoints (https://spec.openapis.org/oas/v3.1.0).

    Args:
        endpoints: what is described.
        root: the path they stand below.
        version: the version of the API.
    """
    answers = [endpoint.answer for endpoint in endpoints if endpoint.answer is not None]
    models: list[type[BaseModel]] = [Problem, *dict.fromkeys(answers)]
    references, schemas = models_json_schema(
        [(model, "serialization") for model in models],
        ref_template="#/components/schemas/{model}",
    )

    def content(model: type[BaseModel] | None) -> dict[str, Any]:
        if model is None:
            return {"text/plain": {"schema": {"type": "string"}}}
        return {"application/json": {"schema": references[model, "serialization"]}}

    refusals = {
        str(status): {"description": description, "content": content(Problem)}
        for status, description in ((400, "The question makes no sense."), (404, "Something it names is not there."))
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Dragoman", "version": version, "description": "Grids, scores and translations; reads only."},
        "servers": [{"url": root}],
        "paths": {
            f"/{endpoint.path}": {
                "get": {
                    "operationId": endpoint.path,
                    "summary": endpoint.summary,
                    "parameters": _parameters(endpoint.question),
                    "responses": {
                        "200": {"description": "The answer.", "content": content(endpoint.answer)},
                        **refusals,
                    },
                }
            }
            for endpoint in endpoints
        },
        "components": {"schemas": schemas.get("$defs", {})},
    }


def _parameters(question: type[Question]) -> list[dict[str, Any]]:
    schema = question.model_json_schema()
    parameters = []
    for name, field in schema.get("properties", {}).items():
        # a choice is described once, under $defs; here it is written where it is used
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
