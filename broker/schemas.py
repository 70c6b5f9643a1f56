"""Shapes of bodies and answers for the OpenAPI document (GS CIM 009, 5.2)."""

from typing import Any, Final

_URI: Final = {"type": "string", "format": "uri"}
_STRING: Final = {"type": "string"}
_STRINGS: Final = {"type": "array", "items": _STRING}
_COUNT: Final = {"type": "integer", "minimum": 0}
_ANY: Final[dict[str, Any]] = {}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: str = "", **members: Any) -> dict[str, Any]:
    return {"type": "object", "properties": members, **({"required": required.split()} if required else {})}


def _array(name: str) -> dict[str, Any]:
    return {"type": "array", "items": _ref(name)}


_TYPES: Final = {"oneOf": [_STRING, {"type": "array", "items": _STRING, "minItems": 1}]}
_ENTITY: Final = {"id": _URI, "type": _TYPES, "scope": _TYPES, "expiresAt": {"type": "string", "format": "date-time"}}
_PROBLEM: Final = _object("type title", type=_STRING, title=_STRING, detail=_STRING, status={"type": "integer"})

SCHEMAS: Final[dict[str, Any]] = {
    "ProblemDetails": _PROBLEM,
    "LdContext": {"type": "object", "properties": {"@context": _ANY}, "required": ["@context"]},
    "LdContextMetadata": _object(
        "URL localId kind createdAt",
        URL=_URI,
        localId=_URI,
        kind={"enum": ["Hosted", "Cached", "ImplicitlyCreated"]},
        createdAt=_STRING,
        expiresAt=_STRING,
        lastUsage=_STRING,
        numberOfHits=_COUNT,
    ),
    "LdContextOrMetadata": {"anyOf": [_ref("LdContext"), _ref("LdContextMetadata")]},
    "LdContexts": {"type": "array", "items": {"anyOf": [_URI, _ref("LdContextMetadata")]}},
    "AttributeInfo": _object(
        "id type attributeName",
        id=_URI,
        type={"const": "Attribute"},
        attributeName=_STRING,
        attributeCount=_COUNT,
        attributeTypes=_STRINGS,
        typeNames=_STRINGS,
    ),
    "Attributes": {
        "anyOf": [
            _object("id type attributeList", id=_URI, type={"const": "AttributeList"}, attributeList=_STRINGS),
            _array("AttributeInfo"),
        ]
    },
    "EntityType": _object(
        "id type typeName attributeNames",
        id=_URI,
        type={"const": "EntityType"},
        typeName=_STRING,
        attributeNames=_STRINGS,
    ),
    "EntityTypes": {
        "anyOf": [
            _object("id type typeList", id=_URI, type={"const": "EntityTypeList"}, typeList=_STRINGS),
            _array("EntityType"),
        ]
    },
    "EntityTypeInfo": _object(
        "id type typeName entityCount attributeDetails",
        id=_URI,
        type={"const": "EntityTypeInfo"},
        typeName=_STRING,
        entityCount=_COUNT,
        attributeDetails=_array("AttributeInfo"),
    ),
    "Attribute": {"type": "object", "properties": {"type": _STRING, "value": _ANY, "observedAt": _STRING}},
    "Entity": {**_object("id type", **_ENTITY), "additionalProperties": True},
    "EntityFragment": {**_object("", **_ENTITY), "additionalProperties": True},
    "Query": _object(
        "type",
        type={"const": "Query"},
        entities={"type": "array", "items": _object("", id=_TYPES, type=_STRING, idPattern=_STRING), "minItems": 1},
        **dict.fromkeys(("attrs", "pick", "omit", "containedBy", "datasetId"), _STRINGS),
        **dict.fromkeys(("q", "scopeQ", "csf", "lang", "expandValues", "jsonKeys"), _STRING),
        geoQ=_object("georel geometry coordinates", georel=_STRING, geometry=_STRING, coordinates=_ANY),
        ordering=_object("orderBy", orderBy=_STRINGS, collation=_STRING, geometry=_STRING, coordinates=_ANY),
        join={"enum": ["flat", "inline", "@none"]},
        joinLevel={"type": "integer", "minimum": 1},
    ),
    "EntityTemporal": {**_object("id type", **_ENTITY), "additionalProperties": True},
    "EntitiesTemporal": _array("EntityTemporal"),
    "Entities": _array("Entity"),
    "Batch": {"type": "array", "items": _ref("EntityFragment"), "minItems": 1},
    "Ids": {"type": "array", "items": _URI, "minItems": 1},
    "BatchOperationResult": _object(
        "success errors",
        success={"type": "array", "items": _URI},
        errors={"type": "array", "items": _object("entityId error", entityId=_STRING, error=_ref("ProblemDetails"))},
    ),
    "UpdateResult": _object(
        "updated notUpdated",
        updated=_STRINGS,
        notUpdated={"type": "array", "items": _object("attributeName reason", attributeName=_STRING, reason=_STRING)},
    ),
    "Subscription": {
        **_object("type notification", id=_URI, type={"const": "Subscription"}, notification={"type": "object"}),
        "additionalProperties": True,
    },
    "SubscriptionFragment": {"type": "object", "additionalProperties": True},
    "Subscriptions": _array("Subscription"),
    "Notification": {
        **_object("type data", type={"const": "Notification"}, data=_array("Entity")),
        "additionalProperties": True,
    },
    "Replayed": {
        "type": "array",
        "items": _object("sequence notification", sequence=_COUNT, notification={"type": "object"}),
    },
    "DeadLetters": {
        "type": "array",
        "items": _object(
            "sequence id attempts reason diedAt",
            sequence=_COUNT,
            id=_URI,
            attempts=_COUNT,
            reason=_STRING,
            diedAt=_STRING,
            redriving={"type": "boolean"},
            notification={"type": ["object", "null"]},
        ),
    },
    "Redriven": _object("redriven", redriven=_COUNT),
    "Account": _object(
        "matched delivered pending dead coalesced sequence",
        **dict.fromkeys(("matched", "delivered", "pending", "dead", "coalesced", "sequence"), _COUNT),
        failure=_STRING,
    ),
    "Explanation": _object(
        "matches status clauses",
        matches={"type": "boolean"},
        status={"enum": ["active", "paused", "expired"]},
        clauses={"type": "object", "additionalProperties": {"type": "boolean"}},
    ),
    "Event": _STRING,
    "ContextSourceIdentity": _object(
        "id type contextSourceAlias contextSourceUptime contextSourceTimeAt",
        id=_URI,
        type={"const": "ContextSourceIdentity"},
        contextSourceAlias=_STRING,
        contextSourceUptime=_STRING,
        contextSourceTimeAt=_STRING,
    ),
    "Number": _object("id", id=_COUNT),
    "Message": {**_object("source reason", source=_STRING, reason=_STRING, raw=_STRING), "additionalProperties": True},
    "Messages": _array("Message"),
    "Policy": _object("", raw=_ANY, rollups={"type": "object"}),
    "Policies": _array("Policy"),
    "File": _STRING,
    "Status": _object("status", status=_STRING),
    "Version": _object("name version", name=_STRING, version=_STRING, **{"ngsi-ld": _STRING}),
}
