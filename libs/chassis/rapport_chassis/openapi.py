"""The OpenAPI document: FastAPI's own, and the commands, which are routes below it for speed."""

from collections.abc import Sequence
from typing import Any, Final, cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from rapport_chassis.entrance import BATCH_PATH
from rapport_chassis.positions import HEADER
from rapport_chassis.problems import MEDIA_TYPE
from rapport_chassis.service import Service
from rapport_events.command import Handler
from rapport_events.errors import Clash, Denied, Malformed, Missing, Stale

Schema = dict[str, Any]

_REF: Final = "#/components/schemas/{model}"
_PROBLEM: Final[Schema] = {
    "type": "object",
    "description": "A problem as RFC 9457 says; `code` is stable and meant for programs.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "facts": {"type": "object", "additionalProperties": True},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {name: {"type": "string"} for name in ("pointer", "code", "message")},
            },
        },
        "correlation_id": {"type": "string"},
    },
}
_GRANTED: Final[Schema] = {
    "type": "object",
    "required": ["id", "stream", "version", "event_ids"],
    "properties": {
        "id": {"type": "string", "description": "Id of the thing that the command is about."},
        "stream": {"type": "string"},
        "version": {"type": "integer", "description": "The stream's version; also the ETag."},
        "event_ids": {"type": "array", "items": {"type": "string", "format": "uuid"}},
    },
}
_LINE: Final[Schema] = {
    "type": "object",
    "description": "One line.",
    "required": ["command", "body"],
    "properties": {"command": {"type": "string"}, "key": {"type": "string"}, "body": {"type": "object"}},
    "additionalProperties": False,
}
_LINE_ANSWER: Final[Schema] = {
    "type": "object",
    "description": "The answer to the line of the same number.",
    "required": ["status", "outcome"],
    "properties": {
        "status": {"type": "integer"},
        "outcome": {"enum": ["recorded", "repeated", "nothing_new", "refused", "invalid"]},
        **_GRANTED["properties"],
        "positions": {
            "type": "array",
            "items": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
        },
        "problem": {"$ref": "#/components/schemas/Problem"},
    },
}
_REFUSALS: Final = {
    "401": "There is no token, or not one of a trusted issuer.",
    "403": Denied.__doc__,
    "404": Missing.__doc__,
    "409": f"{Clash.__doc__} Or others changed it at the same time.",
    "412": Stale.__doc__,
    "413": "The body is too large.",
    "422": Malformed.__doc__,
    "503": "Something that is needed is away; Retry-After says when to repeat, with the same key.",
}
_PARAMETERS: Final[list[Schema]] = [
    {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "Makes a repeat safe for 30 days: the same key with the same body gets the first answer.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    },
    {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": "The ETag against which the command is decided.",
        "schema": {"type": "string"},
    },
]


def document(app: FastAPI, service: Service) -> Schema:
    """Return the OpenAPI 3.1 document of a service."""
    found = get_openapi(
        title=f"Rapport {service.name}",
        version="1",
        description=f"The HTTP interface of {service.name}.",
        routes=app.routes,
    )
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = _PROBLEM
    security = found["components"].setdefault("securitySchemes", {})
    security["token"] = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    found["security"] = [{"token": []}]
    for operations in found["paths"].values():
        for operation in operations.values():
            operation["responses"].update(_refusals("401", "403", "404", "422", "503"))
    if service.handlers:
        schemas["Granted"] = _GRANTED
        schemas.update(_command_schemas(service.handlers))
        for handler in service.handlers:
            path = found["paths"].setdefault(handler.route, {})
            path["post"] = _operation(handler, is_matched=handler.name in service.needs_if_match)
        found["paths"][BATCH_PATH] = {"post": _batch(service)}
    found["paths"] = dict(sorted(found["paths"].items()))
    return found


def _command_schemas(handlers: Sequence[Handler[Any, Any]]) -> Schema:
    models = {handler.command for handler in handlers}
    pairs = [(model, "validation") for model in sorted(models, key=lambda model: model.__name__)]
    _, top = models_json_schema(cast("Any", pairs), ref_template=_REF)
    schemas: Schema = top.get("$defs", {})
    # A member that the route names is not repeated in the body.
    for handler in handlers:
        schema = schemas[handler.command.__name__]
        named = [name for name in schema.get("properties", {}) if f"{{{name}}}" in handler.route]
        for name in named:
            del schema["properties"][name]
        if "required" in schema:
            schema["required"] = [name for name in schema["required"] if name not in named]
    return schemas


def _operation(handler: Handler[Any, Any], *, is_matched: bool) -> Schema:
    summary, _, description = (handler.command.__doc__ or handler.name).strip().partition("\n")
    parameters = [
        {"name": part[1:-1], "in": "path", "required": True, "schema": {"type": "string"}}
        for part in handler.route.split("/")
        if part.startswith("{")
    ]
    refusals = [code for code in _REFUSALS if code != "428"]
    headers: Schema = {
        "ETag": {"schema": {"type": "string"}, "description": "The stream's version."},
        HEADER: {"schema": {"type": "string"}, "description": "Pass it as `?after=` to read what was written."},
    }
    answer: Schema = {
        "description": "The wish is granted; a repeat gets the same answer.",
        "headers": headers,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Granted"}}},
    }
    responses: Schema = {"200": answer, **_refusals(*refusals)}
    if not parameters:
        location = {"Location": {"schema": {"type": "string"}, "description": "Where the new thing is found."}}
        responses = {"201": {**answer, "headers": {**headers, **location}}, **responses}
    if is_matched:
        responses["428"] = _refusal("If-Match is required.")
    return {
        "operationId": handler.name,
        "summary": summary,
        **({"description": " ".join(description.split())} if description.strip() else {}),
        **({"tags": list(handler.tags)} if handler.tags else {}),
        "parameters": [
            *parameters,
            *({**each, "required": is_matched and each["name"] == "If-Match"} for each in _PARAMETERS),
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": _REF.format(model=handler.command.__name__)}}},
        },
        "responses": responses,
    }


def _batch(service: Service) -> Schema:
    names = ", ".join(f"`{handler.name}`" for handler in service.handlers)
    return {
        "operationId": "commands_batch",
        "summary": "Carry out up to 1,000 commands, given as JSON lines; one answer for each, in order.",
        "description": f"Commands: {names}. A body has at most 16 MiB.",
        "requestBody": {"required": True, "content": {"application/x-ndjson": {"schema": _LINE}}},
        "responses": {
            "200": {
                "description": "One line for each line.",
                "content": {"application/x-ndjson": {"schema": _LINE_ANSWER}},
            },
            **_refusals("401", "403", "413", "503"),
        },
    }


def _refusals(*statuses: str) -> dict[str, Schema]:
    return {status: _refusal(str(_REFUSALS[status])) for status in statuses}


def _refusal(description: str) -> Schema:
    return {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
