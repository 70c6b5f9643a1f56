"""Entities, attributes and batches (GS CIM 009, 6.4 to 6.17, 6.23, 6.31)."""

from typing import Final

from broker.api import attributes, batch, consumption, entities, purge, refusals
from broker.api.negotiation import ENTITIES
from broker.api.operation import Operation
from broker.api.operations.common import (
    CREATED,
    DONE,
    LOCAL,
    MERGE,
    MERGE_CHOICES,
    PARTLY,
    SHOWN,
    SHOWN_CHOICES,
    TRAVEL,
    TYPED,
    V1,
    WRITE_ERRORS,
)
from broker.api.parameters import ENTITY_MAP, FILTER, ORDER, PAGE

_ENTITY: Final = f"{V1}/entities/{{id}}"
_ATTRIBUTE: Final = f"{_ENTITY}/attrs/{{attr}}"
_BATCH: Final = f"{V1}/entityOperations"

ENTITIES_ROWS: Final = (
    Operation("POST", f"{V1}/entities", entities.create, LOCAL, "Entity", answers=CREATED, errors=(400, 409, 422, 504)),
    Operation(
        "GET",
        f"{V1}/entities",
        consumption.query,
        FILTER | SHOWN | ENTITY_MAP | PAGE | ORDER | TRAVEL,
        offers=ENTITIES,
        answers={200: "Entities", 203: "Entities"},
        errors=(400, 403, 404, 422, 504),
        choices=SHOWN_CHOICES,
    ),
    Operation(
        "DELETE",
        f"{V1}/entities",
        purge.purge,
        (FILTER - {"expandValues"}) | LOCAL | {"attrs", "keep", "drop", "geometryProperty"},
        errors=(400, 403, 404, 412, 422, 504),
    ),
    Operation(
        "GET",
        _ENTITY,
        consumption.retrieve,
        SHOWN | ENTITY_MAP | TRAVEL | {"type"},
        offers=ENTITIES,
        answers={200: "Entity", 203: "Entity"},
        errors=(400, 403, 404, 422, 504),
        choices=SHOWN_CHOICES,
    ),
    Operation("PUT", _ENTITY, entities.replace, TYPED, "Entity", errors=WRITE_ERRORS),
    Operation(
        "PATCH",
        _ENTITY,
        entities.merge_entity,
        TYPED | MERGE,
        "EntityFragment",
        errors=WRITE_ERRORS,
        choices=MERGE_CHOICES,
    ),
    Operation("DELETE", _ENTITY, entities.delete, TYPED, errors=(400, 404, 504)),
    Operation(
        "POST",
        f"{_ENTITY}/attrs",
        entities.append_attributes,
        TYPED | {"options"},
        "EntityFragment",
        answers=PARTLY,
        errors=WRITE_ERRORS,
        choices={"options": ("noOverwrite",)},
    ),
    Operation(
        "PATCH",
        f"{_ENTITY}/attrs",
        entities.update_attributes,
        TYPED,
        "EntityFragment",
        answers=PARTLY,
        errors=WRITE_ERRORS,
    ),
    Operation("PATCH", _ATTRIBUTE, attributes.partial_update, TYPED, "Attribute", errors=WRITE_ERRORS),
    Operation("PUT", _ATTRIBUTE, attributes.replace, TYPED, "Attribute", errors=WRITE_ERRORS),
    Operation("DELETE", _ATTRIBUTE, attributes.delete, TYPED | {"datasetId", "deleteAll"}, errors=(400, 404, 504)),
    # an id left empty: the standard asks for 400 here, not for 405 (6.5.3)
    Operation("PUT", f"{V1}/entities", refusals.without_id, hidden=True),
    Operation("PATCH", f"{V1}/entities", refusals.without_id, hidden=True),
)

BATCHES_ROWS: Final = (
    Operation(
        "POST",
        f"{_BATCH}/create",
        batch.create,
        LOCAL,
        "Batch",
        answers={201: "Ids", 207: "BatchOperationResult"},
        errors=(400, 412, 504),
    ),
    Operation(
        "POST",
        f"{_BATCH}/upsert",
        batch.upsert,
        LOCAL | {"options"},
        "Batch",
        answers={201: "Ids", 204: None, 207: "BatchOperationResult"},
        errors=(400, 412, 504),
        choices={"options": ("replace", "update", "keepNewest")},
    ),
    Operation(
        "POST",
        f"{_BATCH}/update",
        batch.update,
        LOCAL | {"options"},
        "Batch",
        answers=DONE,
        errors=(400, 404, 412, 504),
        choices={"options": ("noOverwrite", "update", "replace")},
    ),
    Operation(
        "POST",
        f"{_BATCH}/query",
        consumption.query_batch,
        SHOWN | ENTITY_MAP | TRAVEL | PAGE,
        "Query",
        offers=ENTITIES,
        answers={200: "Entities", 203: "Entities"},
        errors=(400, 403, 404, 422, 504),
        choices=SHOWN_CHOICES,
    ),
    Operation(
        "POST",
        f"{_BATCH}/merge",
        batch.merge,
        LOCAL | MERGE,
        "Batch",
        answers=DONE,
        errors=(400, 404, 412, 504),
        choices=MERGE_CHOICES,
    ),
    Operation("POST", f"{_BATCH}/delete", batch.delete, LOCAL, "Ids", answers=DONE, errors=(400, 404, 412)),
)
