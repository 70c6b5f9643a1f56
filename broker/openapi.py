"""The OpenAPI 3.1 document, made from the table of operations that routes and validates."""

import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any, Final

from broker.api.operation import Operation
from broker.api.parameters import PARAMETERS, largest
from broker.schemas import SCHEMAS
from broker.settings import version

_VARIABLE: Final = re.compile(r"\{(\w+)(?::(\w+))?\}")
_JSON: Final = "application/json"
_LD: Final = "application/ld+json"
_MERGE_PATCH: Final = "application/merge-patch+json"
_TEXT: Final = {"type": "string"}
_REQUEST_HEADERS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "NGSILD-Tenant": (
        "tenant that the request is about (or Fiware-Service); the default tenant without it",
        {"type": "string", "pattern": "^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,127}$"},
    ),
    "Link": (
        'the @context: `<URL>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"`',
        _TEXT,
    ),
    "Prefer": (
        "`ngsi-ld=1.8` for the representation of an earlier version; `body=json` for GeoJSON without @context",
        _TEXT,
    ),
    "If-Match": ('entity tags (`"5f3a"`) or `*`: 412 when the entity is another by now', _TEXT),
    "If-None-Match": ("entity tags or `*`: 304 when nothing has changed, 412 for a write", _TEXT),
    "Last-Event-ID": ("the last event that was seen: the stream goes on after it", _TEXT),
}
ANSWER_HEADERS: Final = {
    "Location": "path of what was created",
    "ETag": "the entity's version",
    "NGSILD-Results-Count": "number of all results, when `count` asks for it",
    "Content-Range": "the time span that the answer covers",
    "Link": "the @context, and the pages before and after",
    "Preference-Applied": "the version that `Prefer` asked for, or the nearest one known",
}
_SHOWN: Final = (200, 203, 206)  # with what was asked for
_MEANINGS: Final = {
    200: "the answer",
    201: "created",
    202: "taken up",
    203: "the answer, altered to suit an earlier version",
    204: "done",
    206: "a part of the answer",
    207: "done in part",
    304: "nothing has changed",
    400: "the request breaks a rule",
    403: "too much is asked for",
    404: "unknown",
    406: "no acceptable media type is offered",
    409: "it exists already, or conflicts",
    411: "Content-Length is missing",
    413: "the body is too large",
    415: "the body's media type is not taken",
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
        "components": {
            "schemas": SCHEMAS,
            "parameters": {
                name: {"name": name, "in": "header", "description": meaning, "schema": schema}
                for name, (meaning, schema) in _REQUEST_HEADERS.items()
            },
            "headers": {name: {"description": meaning, "schema": _TEXT} for name, meaning in ANSWER_HEADERS.items()},
        },
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
    if parameter.kind in ("integer", "sequence"):
        return {"type": "integer", "minimum": 0, "maximum": largest(parameter)}
    if parameter.kind == "boolean":
        return {"type": "boolean"}
    if not choices:
        return {"type": "string", "minLength": 1}
    if name == "options":  # several, separated by commas
        one = "|".join(choices)
        return {"type": "string", "pattern": f"^({one})(,({one}))*$"}
    return {"type": "string", "enum": choices}


def _headers(operation: Operation) -> list[dict[str, Any]]:
    return [{"$ref": f"#/components/parameters/{name}"} for name in _asked(operation)]


def _asked(operation: Operation) -> Iterator[str]:
    """The request headers that `operation` heeds."""
    if operation.path.startswith(("/ngsi-ld/", "/admin/", "/temporal/")):
        yield "NGSILD-Tenant"
    if operation.path.startswith(("/ngsi-ld/", "/temporal/")):
        yield "Link"
    if 203 in operation.answers:
        yield "Prefer"
    if operation.versioned:
        if operation.method != "GET":
            yield "If-Match"
        yield "If-None-Match"
    if operation.path.endswith("/stream"):
        yield "Last-Event-ID"


def _told(operation: Operation, status: int) -> Iterator[str]:
    """The headers of an answer with `status`."""
    if operation.versioned and operation.method != "DELETE" and status in (200, 201, 203, 204, 304):
        yield "ETag"
    if status == 201 and operation.answers[201] is None and operation.path.startswith("/ngsi-ld/"):
        yield "Location"
    if status == 206:
        yield "Content-Range"
    if status in _SHOWN and "count" in operation.query:
        yield "NGSILD-Results-Count"
    if status in _SHOWN and operation.asks:
        yield "Link"
    if status in _SHOWN and 203 in operation.answers:
        yield "Preference-Applied"


def _successes(operation: Operation) -> dict[str, Any]:
    told = {}
    for status, schema in operation.answers.items():
        content = {"content": {media: _of(schema) for media in _media(operation, status)}} if schema else {}
        told[str(status)] = _answer(operation, status) | content
    return told


def _answer(operation: Operation, status: int) -> dict[str, Any]:
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in _told(operation, status)}
    return {"description": _MEANINGS.get(status, HTTPStatus(status).phrase.lower())} | (
        {"headers": headers} if headers else {}
    )


def _media(operation: Operation, status: int) -> tuple[str, ...]:
    return operation.offers if status in _SHOWN else (_JSON,)


def _errors(operation: Operation) -> dict[str, Any]:
    statuses = {*operation.errors}
    if operation.path.startswith(("/ngsi-ld/", "/admin/", "/temporal/")):
        statuses.add(503)
    if operation.asks:
        statuses.add(406)
    if operation.body is not None:
        statuses.add(413)
    bare = {304} if operation.versioned and operation.method == "GET" else set()
    if operation.versioned and operation.method != "GET":
        statuses.add(412)
    if operation.body is not None:
        bare |= {411, 415}
    problem = {"content": {_JSON: _of("ProblemDetails")}}
    told = {str(status): _answer(operation, status) | problem for status in sorted(statuses)}
    return told | {str(status): _answer(operation, status) for status in sorted(bare)}


def _of(schema: str) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{schema}"}}
