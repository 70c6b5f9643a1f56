"""The ways out, one per scheme of an endpoint's URI."""

from dataclasses import replace
from typing import Final

from broker import links
from broker.guard import Guard
from broker.settings import Settings
from broker.subscriptions.http import HttpChannel
from broker.subscriptions.message import Channel
from broker.subscriptions.mqtt import MqttChannel, Server
from broker.subscriptions.wire import Wire
from ngsi import ngsiv2, notification
from ngsi.endpoint import Address, Endpoint
from ngsi.subscription import Subscription

_JSON: Final = "application/json"


class Post:
    """Hands out the channel to each endpoint; channels to one server share its connections."""

    def __init__(self, settings: Settings) -> None:
        self._seconds = settings.notification_timeout
        self._guard = Guard(settings.remote_allow)
        self._authorities = settings.notification_ca
        self._wire = Wire(self._guard, settings.notification_timeout, self._authorities)
        self._servers: dict[tuple[Address, str], Server] = {}

    def channel(self, subscription: Subscription, tenant: str, link: str) -> Channel:
        """The way to the endpoint of `subscription`; `link` is the URL of the @context that it speaks."""
        endpoint = subscription.notification.endpoint
        found = headers(subscription, tenant, link)
        if endpoint.address.scheme in ("mqtt", "mqtts"):
            return MqttChannel(self._server(endpoint), endpoint, found)
        return HttpChannel(self._wire, endpoint, found, self._seconds)

    def _server(self, endpoint: Endpoint) -> Server:
        version = endpoint.notifier("MQTT-Version", "mqtt5.0")
        key = (replace(endpoint.address, path=""), version)
        if key not in self._servers:
            self._servers[key] = Server(self._guard, key[0], version, self._seconds, self._authorities)
        return self._servers[key]

    async def close(self) -> None:
        self._wire.close()
        for server in self._servers.values():
            await server.close()


def headers(subscription: Subscription, tenant: str, link: str) -> list[tuple[str, str]]:
    """What goes with every notification of the subscription; its own receiverInfo comes last and wins."""
    endpoint = subscription.notification.endpoint
    found = {"Content-Type": endpoint.accept, "User-Agent": "yukitsuri"}
    if subscription.notification.format in ngsiv2.FORMS:
        found["Content-Type"] = _JSON
        found["Ngsiv2-AttrsFormat"] = "keyValues" if "keyValues" in subscription.notification.format else "normalized"
    elif notification.links(endpoint):
        found["Link"] = links.written(link)
    if tenant:
        found["NGSILD-Tenant"] = tenant
    known = {name.lower(): name for name in found}
    for name, value in endpoint.receiver_info:
        found[known.get(name.lower(), name)] = value
    return list(found.items())
