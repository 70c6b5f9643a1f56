"""The ways out, one per scheme of an endpoint's URI."""

from typing import Any

from broker.guard import Guard
from broker.settings import Settings
from broker.subscriptions.http import HttpChannel
from broker.subscriptions.message import Channel
from broker.subscriptions.wire import Wire
from ngsi.notification import V2
from ngsi.subscription import Subscription
from ngsi.terms import CORE_CONTEXT

_JSON = "application/json"
_RELATION = '; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'


class Post:
    """Hands out the channel to each endpoint."""

    def __init__(self, settings: Settings) -> None:
        self._seconds = settings.notification_timeout
        self._wire = Wire(Guard(settings.remote_allow), settings.notification_timeout)

    def channel(self, subscription: Subscription, tenant: str, source: Any) -> Channel:
        """The way to the endpoint of `subscription`; `source` is the @context that it speaks."""
        endpoint = subscription.notification.endpoint
        return HttpChannel(self._wire, endpoint, headers(subscription, tenant, source), self._seconds)

    async def close(self) -> None:
        self._wire.close()


def headers(subscription: Subscription, tenant: str, source: Any) -> list[tuple[str, str]]:
    """What goes with every notification of the subscription; its own receiverInfo comes last and wins."""
    endpoint = subscription.notification.endpoint
    found = {"Content-Type": endpoint.accept, "User-Agent": "yukitsuri"}
    if subscription.notification.format == V2:
        found["Content-Type"], found["Ngsiv2-AttrsFormat"] = _JSON, "normalized"
    elif endpoint.accept == _JSON:
        found["Link"] = f"<{source if isinstance(source, str) else CORE_CONTEXT}>{_RELATION}"
    if tenant:
        found["NGSILD-Tenant"] = tenant
    known = {name.lower(): name for name in found}
    for name, value in endpoint.receiver_info:
        found[known.get(name.lower(), name)] = value
    return list(found.items())
