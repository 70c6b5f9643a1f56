"""The table of operations: each row routes, validates and describes one.

To add an operation, write its function (`async def name(request) -> Response`, the first line of its docstring is the
summary) and a row here. The query parameters are checked against the row before the function is called
(`http.parameters(request)` gives them); a new parameter needs a row in `parameters`. The media type of the answer is
negotiated from `offers` (`http.accepts(request)` gives it).
"""

from typing import Final

from broker.api import (
    attributes,
    batch,
    consumption,
    contexts,
    discovery,
    entities,
    evolutions,
    export,
    info,
    notifications,
    policies,
    purge,
    quarantine,
    refusals,
    stream,
    subscriptions,
    temporal,
)
from broker.api.negotiation import CONTEXTUAL, ENTITIES
from broker.api.operation import Operation
from broker.api.parameters import (
    ENTITY_MAP,
    FILTER,
    JOIN,
    ORDER,
    PAGE,
    PROJECTION,
    REPRESENTATION,
    TEMPORAL,
)

V1: Final = "/ngsi-ld/v1"
LOCAL: Final = frozenset({"local"})
TYPED: Final = frozenset({"local", "type"})

_TRAVEL: Final = frozenset({"asOf"})
_SHOWN: Final = PROJECTION | REPRESENTATION | JOIN | LOCAL
_FORMS: Final = ("normalized", "concise", "simplified", "keyValues")
_SHOWN_CHOICES: Final = {"format": _FORMS, "options": (*_FORMS, "sysAttrs")}
_TEMPORAL_FORMS: Final = ("normalized", "concise", "temporalValues", "simplified", "keyValues", "aggregatedValues")
_TEMPORAL_CHOICES: Final = {"format": _TEMPORAL_FORMS, "options": (*_TEMPORAL_FORMS, "sysAttrs")}
_MERGE: Final = frozenset({"options", "format", "observedAt", "lang"})
_MERGE_CHOICES: Final = {"format": _FORMS, "options": _FORMS}
_CREATED: Final = {201: None}
_IDS: Final = {201: "Ids", 204: None, 207: "BatchOperationResult"}
_DONE: Final = {204: None, 207: "BatchOperationResult"}
_PARTLY: Final = {204: None, 207: "UpdateResult"}
_WRITE_ERRORS: Final = (400, 404, 409, 504)

_ENTITY: Final = f"{V1}/entities/{{id}}"
_ATTRIBUTE: Final = f"{_ENTITY}/attrs/{{attr}}"
_BATCH: Final = f"{V1}/entityOperations"
_TEMPORAL: Final = f"{V1}/temporal/entities"

_ENTITIES: Final = (
    Operation(
        "POST", f"{V1}/entities", entities.create, LOCAL, "Entity", answers=_CREATED, errors=(400, 409, 422, 504)
    ),
    Operation(
        "GET",
        f"{V1}/entities",
        consumption.query,
        FILTER | _SHOWN | ENTITY_MAP | PAGE | ORDER | _TRAVEL,
        offers=ENTITIES,
        answers={200: "Entities"},
        errors=(400, 403, 422, 504),
        choices=_SHOWN_CHOICES,
    ),
    Operation(
        "DELETE",
        f"{V1}/entities",
        purge.purge,
        (FILTER - {"expandValues"}) | LOCAL | {"attrs", "keep", "drop"},
        errors=(400, 403, 504),
    ),
    Operation(
        "GET",
        _ENTITY,
        consumption.retrieve,
        _SHOWN | ENTITY_MAP | _TRAVEL | {"type"},
        offers=ENTITIES,
        answers={200: "Entity"},
        errors=(400, 403, 404, 422, 504),
        choices=_SHOWN_CHOICES,
    ),
    Operation("PUT", _ENTITY, entities.replace, TYPED, "Entity", errors=_WRITE_ERRORS),
    Operation(
        "PATCH",
        _ENTITY,
        entities.merge_entity,
        TYPED | _MERGE,
        "EntityFragment",
        errors=_WRITE_ERRORS,
        choices=_MERGE_CHOICES,
    ),
    Operation("DELETE", _ENTITY, entities.delete, TYPED, errors=(400, 404)),
    Operation(
        "POST",
        f"{_ENTITY}/attrs",
        entities.append_attributes,
        TYPED | {"options"},
        "EntityFragment",
        answers=_PARTLY,
        errors=_WRITE_ERRORS,
        choices={"options": ("noOverwrite",)},
    ),
    Operation(
        "PATCH",
        f"{_ENTITY}/attrs",
        entities.update_attributes,
        TYPED,
        "EntityFragment",
        answers=_PARTLY,
        errors=_WRITE_ERRORS,
    ),
    Operation("PATCH", _ATTRIBUTE, attributes.partial_update, TYPED, "Attribute", errors=_WRITE_ERRORS),
    Operation("PUT", _ATTRIBUTE, attributes.replace, TYPED, "Attribute", errors=_WRITE_ERRORS),
    Operation("DELETE", _ATTRIBUTE, attributes.delete, TYPED | {"datasetId", "deleteAll"}, errors=(400, 404, 504)),
    # an id left empty: the standard asks for 400 here, not for 405 (6.5.3)
    Operation("PUT", f"{V1}/entities", refusals.without_id, hidden=True),
    Operation("PATCH", f"{V1}/entities", refusals.without_id, hidden=True),
)

_BATCHES: Final = (
    Operation("POST", f"{_BATCH}/create", batch.create, LOCAL, "Batch", answers=_IDS),
    Operation(
        "POST",
        f"{_BATCH}/upsert",
        batch.upsert,
        LOCAL | {"options"},
        "Batch",
        answers=_IDS,
        choices={"options": ("replace", "update", "keepNewest")},
    ),
    Operation(
        "POST",
        f"{_BATCH}/update",
        batch.update,
        LOCAL | {"options"},
        "Batch",
        answers=_DONE,
        choices={"options": ("noOverwrite", "update", "replace")},
    ),
    Operation(
        "POST",
        f"{_BATCH}/query",
        consumption.query_batch,
        _SHOWN | ENTITY_MAP | _TRAVEL | PAGE,
        "Query",
        offers=ENTITIES,
        answers={200: "Entities"},
        errors=(400, 403, 422, 504),
        choices=_SHOWN_CHOICES,
    ),
    Operation("POST", f"{_BATCH}/merge", batch.merge, LOCAL | _MERGE, "Batch", answers=_DONE, choices=_MERGE_CHOICES),
    Operation("POST", f"{_BATCH}/delete", batch.delete, LOCAL, "Ids", answers=_DONE),
)

_EVOLUTION: Final = f"{_TEMPORAL}/{{id}}"
_PAST: Final = TEMPORAL | (PROJECTION - {"geometryProperty"}) | REPRESENTATION | LOCAL
_PARTIAL: Final = {200: "EntitiesTemporal", 206: "EntitiesTemporal"}
_HISTORY: Final = (
    Operation(
        "POST", _TEMPORAL, temporal.upsert, LOCAL, "EntityTemporal", answers={201: None, 204: None}, errors=(400, 504)
    ),
    Operation(
        "GET",
        _TEMPORAL,
        evolutions.query,
        _PAST | FILTER | PAGE | {"orderBy"},
        offers=CONTEXTUAL,
        answers=_PARTIAL,
        errors=(400, 403, 404, 504),
        choices=_TEMPORAL_CHOICES,
    ),
    Operation(
        "POST",
        f"{V1}/temporal/entityOperations/query",
        evolutions.query_by_post,
        (_PAST - TEMPORAL) | PAGE,
        "Query",
        offers=CONTEXTUAL,
        answers=_PARTIAL,
        errors=(400, 403, 404, 504),
        choices=_TEMPORAL_CHOICES,
    ),
    Operation(
        "GET",
        _EVOLUTION,
        evolutions.retrieve,
        _PAST,
        offers=CONTEXTUAL,
        answers={200: "EntityTemporal", 206: "EntityTemporal"},
        errors=(400, 403, 404, 504),
        choices=_TEMPORAL_CHOICES,
    ),
    Operation(
        "GET",
        "/temporal/export",
        export.export,
        (_PAST - {"lastN", "lang", "options", "sysAttrs", "aggrMethods", "aggrPeriodDuration", "aggrTimezone"})
        | FILTER
        | {"bom"},
        offers=("text/csv", "application/x-ndjson", "application/vnd.apache.parquet"),
        answers={200: "File"},
        errors=(400, 403, 404, 422, 504),
        choices={"format": ("csv", "jsonl", "parquet")},
    ),
    Operation("DELETE", _EVOLUTION, temporal.delete, LOCAL, errors=(400, 404)),
    Operation(
        "POST", f"{_EVOLUTION}/attrs", temporal.append_attributes, LOCAL, "EntityTemporal", errors=(400, 404, 504)
    ),
    Operation(
        "DELETE",
        f"{_EVOLUTION}/attrs/{{attr}}",
        temporal.delete_attribute,
        LOCAL | {"datasetId", "deleteAll"},
        errors=(400, 404, 504),
    ),
    Operation(
        "PATCH",
        f"{_EVOLUTION}/attrs/{{attr}}/{{instance}}",
        temporal.update_instance,
        LOCAL,
        "EntityTemporal",
        errors=(400, 404, 504),
    ),
    Operation(
        "DELETE", f"{_EVOLUTION}/attrs/{{attr}}/{{instance}}", temporal.delete_instance, LOCAL, errors=(400, 404, 504)
    ),
)

_SUBSCRIPTION: Final = f"{V1}/subscriptions/{{id}}"
_SUBSCRIPTIONS: Final = (
    Operation(
        "POST",
        f"{V1}/subscriptions",
        subscriptions.create,
        LOCAL,
        "Subscription",
        answers=_CREATED,
        errors=(400, 404, 409, 504),
    ),
    Operation(
        "GET",
        f"{V1}/subscriptions",
        subscriptions.query,
        PAGE | LOCAL | {"options", "sysAttrs"},
        offers=CONTEXTUAL,
        answers={200: "Subscriptions"},
        errors=(400, 404, 504),
        choices={"options": ("sysAttrs",)},
    ),
    Operation(
        "GET",
        _SUBSCRIPTION,
        subscriptions.retrieve,
        LOCAL | {"options", "sysAttrs"},
        offers=CONTEXTUAL,
        answers={200: "Subscription"},
        errors=(400, 404, 504),
        choices={"options": ("sysAttrs",)},
    ),
    Operation("PATCH", _SUBSCRIPTION, subscriptions.update, LOCAL, "SubscriptionFragment", errors=(400, 404, 504)),
    Operation("DELETE", _SUBSCRIPTION, subscriptions.delete, LOCAL, errors=(400, 404)),
    Operation(
        "GET",
        f"{_SUBSCRIPTION}/notifications",
        notifications.replayed,
        frozenset({"after", "limit"}),
        answers={200: "Replayed"},
        errors=(400, 404, 504),
    ),
    Operation(
        "GET",
        f"{_SUBSCRIPTION}/deadLetters",
        notifications.dead_letters,
        frozenset({"after", "limit"}),
        answers={200: "DeadLetters"},
        errors=(400, 404),
    ),
    Operation("POST", f"{_SUBSCRIPTION}/redrive", notifications.redrive, answers={202: "Redriven"}, errors=(400, 404)),
    Operation("GET", f"{_SUBSCRIPTION}/account", notifications.account, answers={200: "Account"}, errors=(400, 404)),
    Operation(
        "POST",
        f"{_SUBSCRIPTION}/explain",
        notifications.explain,
        body="Entity",
        answers={200: "Explanation"},
        errors=(400, 404, 504),
    ),
)

_STREAM: Final = (
    Operation(
        "POST",
        f"{V1}/notifications",
        notifications.receive,
        body="Notification",
        errors=(400, 504),
    ),
    Operation(
        "GET",
        f"{V1}/stream",
        stream.events,
        (FILTER | PROJECTION | REPRESENTATION | LOCAL | {"tenant", "lastEventId", "jsonldContext"})
        - {"geometryProperty", "csf"},
        offers=(stream.EVENTS,),
        answers={200: "Event"},
        errors=(400, 404, 504),
        choices=_SHOWN_CHOICES,
    ),
)

_DISCOVERY: Final = tuple(
    Operation(
        "GET",
        f"{V1}/{path}",
        function,
        LOCAL | more,
        offers=CONTEXTUAL,
        answers={200: schema},
        errors=(400, 404, 504),
    )
    for path, function, more, schema in (
        ("types", discovery.types, PAGE | {"details"}, "EntityTypes"),
        ("types/{type}", discovery.entity_type, frozenset(), "EntityTypeInfo"),
        ("attributes", discovery.attributes, PAGE | {"details"}, "Attributes"),
        ("attributes/{attr}", discovery.attribute, frozenset(), "AttributeInfo"),
    )
)

_CONTEXT: Final = f"{V1}/jsonldContexts/{{id}}"
_CONTEXTS: Final = (
    Operation("POST", f"{V1}/jsonldContexts", contexts.add, body="LdContext", answers=_CREATED, errors=(400, 504)),
    Operation(
        "GET",
        f"{V1}/jsonldContexts",
        contexts.query,
        frozenset({"details", "kind"}),
        offers=CONTEXTUAL,
        answers={200: "LdContexts"},
        errors=(400, 404),
    ),
    Operation(
        "GET",
        _CONTEXT,
        contexts.serve,
        frozenset({"details", "core", "tenant"}),
        offers=CONTEXTUAL,
        answers={200: "LdContextOrMetadata"},
        errors=(400, 404, 422),
    ),
    Operation("DELETE", _CONTEXT, contexts.delete, frozenset({"reload"}), errors=(400, 404, 504)),
)

_ADMIN: Final = (
    Operation("POST", "/admin/quarantine", quarantine.add, body="Message", answers={201: "Number"}),
    Operation(
        "GET",
        "/admin/quarantine",
        quarantine.listed,
        frozenset({"source", "limit", "offset"}),
        answers={200: "Messages"},
        errors=(400, 404),
    ),
    Operation("GET", "/admin/quarantine/{no:int}", quarantine.one, answers={200: "Message"}, errors=(400, 404)),
    Operation("POST", "/admin/quarantine/{no:int}/replayed", quarantine.replayed, errors=(400, 404)),
)

_POLICY: Final = "/admin/policies/{type}"
_POLICIES: Final = (
    Operation("GET", "/admin/policies", policies.listed, answers={200: "Policies"}, errors=(400, 404)),
    Operation("GET", _POLICY, policies.one, answers={200: "Policy"}, errors=(400, 404)),
    Operation("PUT", _POLICY, policies.put, body="Policy", answers={201: None, 204: None}, errors=(400, 504)),
    Operation("DELETE", _POLICY, policies.delete, errors=(400, 404)),
)

_ABOUT: Final = (
    Operation(
        "GET",
        f"{V1}/info/sourceIdentity",
        info.source_identity,
        LOCAL,
        offers=CONTEXTUAL,
        answers={200: "ContextSourceIdentity"},
        errors=(400, 404, 504),
    ),
    Operation("GET", "/health", info.health, answers={200: "Status"}, errors=()),
    Operation("GET", "/ready", info.ready, answers={200: "Status"}, errors=(503,)),
    Operation("GET", "/version", info.version, answers={200: "Version"}, errors=()),
    Operation(
        "GET", "/contexts/{name}", info.own_context, offers=CONTEXTUAL[::-1], answers={200: "LdContext"}, errors=(404,)
    ),
)

OPERATIONS: Final[tuple[Operation, ...]] = (
    *_ENTITIES,
    *_BATCHES,
    *_HISTORY,
    *_SUBSCRIPTIONS,
    *_STREAM,
    *_DISCOVERY,
    *_CONTEXTS,
    *_ADMIN,
    *_POLICIES,
    *_ABOUT,
)
