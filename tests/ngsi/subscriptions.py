"""Subscriptions for tests, as clients write them."""

from typing import Any

ID = "urn:ngsi-ld:Subscription:1"
URI = "http://127.0.0.1:9/notify"


def subscription(**more: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "type": "Subscription",
        "entities": [{"type": "Room"}],
        "notification": {"endpoint": {"uri": URI}},
        **more,
    }


def notifying(**more: Any) -> dict[str, Any]:
    """With more members of the notification."""
    return subscription(notification={"endpoint": {"uri": URI}, **more})


def reaching(**more: Any) -> dict[str, Any]:
    """With more members of the endpoint."""
    return subscription(notification={"endpoint": {"uri": URI, **more}})
