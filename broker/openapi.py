"""The OpenAPI 3.1 document, made from the table of operations that routes and validates."""

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from broker.api.operation import Operation
from broker.api.parameters import PARAMETERS
from broker.schemas import SCHEMAS
from broker.settings import version

_VARIABLE: Final = re.compile(r"\{(\w+)(?::(\w+))?\}")
_TENANT: Final = {"$ref": "#/components/parameters/NGSILD-Tenant"}
_LINK: Final = {"$ref": "#/components/parameters/Link"}
_JSON: Final = "application/json"
_LD: Final = "application/ld+json"
_MERGE_PATCH: Final = "application/merge-patch+json"
_HEADERS: Final[dict[str, Any]] = {
    "NGSILD-Tenant": {
        "name": "NGSILD-Tenant",
        "in": "header",
        "description": "tenant that the request is about; the default tenant without it",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$"},
    },
    "Link": {
        "name": "Link",
        "in": "header",
        "description": 'the @context: `<URL>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"`',
        "schema": {"type": "string"},
    },
}
_MEANINGS: Final = {
    200: "the answer",
    201: "created",
    202: "taken up",
    204: "done",
    206: "a part of the answer",
    207: "done in part",
    400: "the request breaks a rule",
    403: "too much is asked for",
    404: "unknown",
    409: "it exists already, or conflicts",
    411: "Content-Length is missing",
    413: "the body is too large",
    415: "the body's media type is not taken",
    406: "no acceptable media type is offered",
    412: "the precondition does not hold",
    422: "not supported",
    503: "the database is away",
    504: "an @context could not be fetched",
}


def describe(operations: Iterable[Operation]) -> dict[str, Any]:
    """The document for `operations`; hidden ones are left out."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        if not operation.hidden:
            item = paths.setdefault(_VARIABLE.sub(r"{\1}", operation.path), {})
            item[operation.method.lower()] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Yukitsuri", "version": version(), "description": "NGSI-LD (ETSI GS CIM 009 V1.9.1)"},
        "paths": paths,
        "components": {"schemas": SCHEMAS, "parameters": _HEADERS},
    }


def _described(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [_tag(operation.path)],
        "parameters": [*_variables(operation), *_query(operation), *_headers(operation)],
        "responses": {**_successes(operation), **_errors(operation)},
    }
    if operation.body is not None:
        kinds = [_JSON, _LD, *([_MERGE_PATCH] if operation.method == "PATCH" else [])]
        described["requestBody"] = {"required": True, "content": {kind: _of(operation.body) for kind in kinds}}
    return described


def _tag(path: str) -> str:
    segments = path.strip("/").split("/")
    return segments[2] if segments[0] == "ngsi-ld" else "operation" if len(segments) == 1 else segments[0]


def _variables(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _variable(name, kind)}
        for name, kind in _VARIABLE.findall(operation.path)
    ]


def _variable(name: str, kind: str) -> dict[str, Any]:
    if kind == "int":
        return {"type": "integer", "minimum": 0}
    uri = {"type": "string", "format": "uri"}
    if name in ("id", "instance"):
        return uri
    return {"anyOf": [{"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_]*$"}, uri]}


def _query(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "description": PARAMETERS[name].meaning, "schema": _schema(operation, name)}
        for name in sorted(operation.query)
    ]


def _schema(operation: Operation, name: str) -> dict[str, Any]:
    parameter = PARAMETERS[name]
    choices = list(operation.choices.get(name, parameter.values))
    if parameter.kind == "integer":
        return {"type": "integer", "minimum": 0, "maximum": 999_999_999}
    if parameter.kind == "boolean":
        return {"type": "boolean"}
    if not choices:
        return {"type": "string", "minLength": 1}
    if name == "options":  # several, separated by commas
        one = "|".join(choices)
        return {"type": "string", "pattern": f"^({one})(,({one}))*$"}
    return {"type": "string", "enum": choices}


def _headers(operation: Operation) -> list[dict[str, Any]]:
    return [_TENANT, _LINK] if operation.path.startswith("/ngsi-ld/") else []


def _successes(operation: Operation) -> dict[str, Any]:
    return {
        str(status): {
            "description": _meaning(status),
            **({"content": {media: _of(schema) for media in _media(operation, status)}} if schema else {}),
        }
        for status, schema in operation.answers.items()
    }


def _media(operation: Operation, status: int) -> tuple[str, ...]:
    return operation.offers if status in (200, 206) else (_JSON,)


def _errors(operation: Operation) -> dict[str, Any]:
    statuses = {*operation.errors}
    if operation.asks:
        statuses.add(406)
    if operation.body is not None:
        statuses |= {413}
    told = {
        str(status): {"description": _meaning(status), "content": {_JSON: _of("ProblemDetails")}}
        for status in sorted(statuses)
    }
    if operation.body is not None:
        told |= {str(status): {"description": _meaning(status)} for status in (411, 415)}
    return told


def _meaning(status: int) -> str:
    return _MEANINGS.get(status, HTTPStatus(status).phrase.lower())


def _of(schema: str) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{schema}"}}
