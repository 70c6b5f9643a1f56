"""Which subscriptions an event may concern: a few dictionary look-ups, however many there are."""

from collections.abc import Iterable, Iterator
from typing import Generic, Protocol, TypeVar

from ngsi.event import Event
from ngsi.matching import anchors
from ngsi.subscription import ATTRIBUTE_TRIGGERS, Subscription

# (tenant, entity id or None, type or None, watched attribute or None): the most telling of what must hold
_Key = tuple[int, str | None, str | None, str | None]


class Indexed(Protocol):
    """What the index holds."""

    @property
    def tenant(self) -> int: ...

    @property
    def subscription(self) -> Subscription: ...


T = TypeVar("T", bound=Indexed)


class Index(Generic[T]):
    """Subscribers by what an event must have to concern them."""

    def __init__(self) -> None:
        self._by_key: dict[_Key, dict[int, T]] = {}
        self._types: dict[str | None, int] = {}

    def add(self, item: T) -> None:
        for key in _keys(item):
            self._by_key.setdefault(key, {})[id(item)] = item
            self._types[key[2]] = self._types.get(key[2], 0) + 1

    def remove(self, item: T) -> None:
        for key in _keys(item):
            held = self._by_key.get(key, {})
            if held.pop(id(item), None) is None:
                continue
            if not held:
                del self._by_key[key]
            self._types[key[2]] -= 1
            if not self._types[key[2]]:
                del self._types[key[2]]

    def types(self) -> list[str] | None:
        """The types that any subscriber asks for; None when some ask for entities whatever their type."""
        return None if None in self._types else [name for name in self._types if name is not None]

    def candidates(self, event: Event) -> Iterable[T]:
        """Those whose key the event has, each once; whether they match is still to be asked."""
        found: dict[int, T] = {}
        for key in _keys_of(event):
            held = self._by_key.get(key)
            if held:
                found.update(held)
        return found.values()


def types_of(subscription: Subscription) -> list[str] | None:
    """Types of which each entity that concerns `subscription` has one; None when it asks whatever the type."""
    found: set[str] = set()
    for selector in subscription.query.selectors:
        types = anchors(selector.types)
        if types is None:
            return None
        found |= types
    return sorted(found) or None


def _keys(item: Indexed) -> Iterator[_Key]:
    subscription = item.subscription
    by_attribute = subscription.watched and subscription.triggers <= ATTRIBUTE_TRIGGERS
    attributes: Iterable[str | None] = subscription.watched or () if by_attribute else (None,)
    places: dict[tuple[str | None, str | None], None] = {}
    if not subscription.query.selectors:
        places[None, None] = None
    for selector in subscription.query.selectors:
        if selector.ids:
            # an id tells more than a type; the type stays for the database's filter
            types: Iterable[str | None] = anchors(selector.types) or (None,)
            places.update(((one, name), None) for one in selector.ids for name in types)
        else:
            places.update(((None, name), None) for name in anchors(selector.types) or (None,))
    for entity_id, type_name in places:
        for attribute in attributes:
            yield item.tenant, entity_id, type_name, attribute


def _keys_of(event: Event) -> Iterator[_Key]:
    tenant = event.tenant
    for entity_id in (event.id, None):
        for type_name in (*event.types, None):
            yield tenant, entity_id, type_name, None
            for attribute in event.touched:
                yield tenant, entity_id, type_name, attribute
