"""What runs here, and what its operator does (ours, but for 6.33)."""

from typing import Final

from broker.api import info, policies, quarantine
from broker.api.negotiation import CONTEXTUAL
from broker.api.operation import Operation
from broker.api.operations.common import LOCAL, V1

ADMIN_ROWS: Final = (
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
POLICIES_ROWS: Final = (
    Operation("GET", "/admin/policies", policies.listed, answers={200: "Policies"}, errors=(400, 404)),
    Operation("GET", _POLICY, policies.one, answers={200: "Policy"}, errors=(400, 404)),
    Operation("PUT", _POLICY, policies.put, body="Policy", answers={201: None, 204: None}, errors=(400, 504)),
    Operation("DELETE", _POLICY, policies.delete, errors=(400, 404)),
)

ABOUT_ROWS: Final = (
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
