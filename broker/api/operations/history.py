"""History (GS CIM 009, 6.18 to 6.24)."""

from typing import Final

from broker.api import evolutions, export, temporal
from broker.api.negotiation import CONTEXTUAL
from broker.api.operation import Operation
from broker.api.operations.common import LOCAL, TEMPORAL_CHOICES, V1
from broker.api.parameters import ENTITY_MAP, FILTER, PAGE, PROJECTION, REPRESENTATION, TEMPORAL

_TEMPORAL: Final = f"{V1}/temporal/entities"
_EVOLUTION: Final = f"{_TEMPORAL}/{{id}}"
_PAST: Final = TEMPORAL | (PROJECTION - {"geometryProperty"}) | REPRESENTATION | LOCAL
_PARTIAL: Final = dict.fromkeys((200, 203, 206), "EntitiesTemporal")
HISTORY_ROWS: Final = (
    Operation(
        "POST", _TEMPORAL, temporal.upsert, LOCAL, "EntityTemporal", answers={201: None, 204: None}, errors=(400, 504)
    ),
    Operation(
        "GET",
        _TEMPORAL,
        evolutions.query,
        _PAST | FILTER | PAGE | ENTITY_MAP | {"orderBy", "collation"},
        offers=CONTEXTUAL,
        answers=_PARTIAL,
        errors=(400, 403, 404, 504),
        choices=TEMPORAL_CHOICES,
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
        choices=TEMPORAL_CHOICES,
    ),
    Operation(
        "GET",
        _EVOLUTION,
        evolutions.retrieve,
        _PAST,
        offers=CONTEXTUAL,
        answers=dict.fromkeys((200, 203, 206), "EntityTemporal"),
        errors=(400, 403, 404, 504),
        choices=TEMPORAL_CHOICES,
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
