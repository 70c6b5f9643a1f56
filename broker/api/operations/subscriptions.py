"""Subscriptions and live streams (GS CIM 009, 6.10, 6.11)."""

from typing import Final

from broker.api import notifications, stream, subscriptions
from broker.api.negotiation import CONTEXTUAL
from broker.api.operation import Operation
from broker.api.operations.common import CREATED, LOCAL, SHOWN_CHOICES, V1
from broker.api.parameters import FILTER, PAGE, PROJECTION, REPRESENTATION

_SUBSCRIPTION: Final = f"{V1}/subscriptions/{{id}}"
SUBSCRIPTIONS_ROWS: Final = (
    Operation(
        "POST",
        f"{V1}/subscriptions",
        subscriptions.create,
        LOCAL,
        "Subscription",
        answers=CREATED,
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

STREAM_ROWS: Final = (
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
        choices=SHOWN_CHOICES,
    ),
)
