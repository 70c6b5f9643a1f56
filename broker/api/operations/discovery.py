"""Discovery and stored @contexts (GS CIM 009, 6.25 to 6.30)."""

from typing import Final

from broker.api import contexts, discovery
from broker.api.negotiation import CONTEXTUAL
from broker.api.operation import Operation
from broker.api.operations.common import CREATED, LOCAL, V1
from broker.api.parameters import PAGE

DISCOVERY_ROWS: Final = tuple(
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
CONTEXTS_ROWS: Final = (
    Operation("POST", f"{V1}/jsonldContexts", contexts.add, body="LdContext", answers=CREATED, errors=(400, 504)),
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
    Operation("DELETE", _CONTEXT, contexts.delete, frozenset({"reload", "tenant"}), errors=(400, 404, 504)),
)
