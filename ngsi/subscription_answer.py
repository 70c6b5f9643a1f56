"""The stored document of a subscription as it is answered: names compacted, secrets hidden (GS CIM 009, 5.8.3)."""

from collections.abc import Mapping

from ngsi import endpoint
from ngsi.errors import NgsiLdError
from ngsi.jsonld import Context
from ngsi.query.q import parse_q
from ngsi.query.types import EVERY_TYPE
from ngsi.query.written import renamed
from ngsi.stored_names import meant
from ngsi.subscription import TERMS, Document
from ngsi.subscription_members import PROJECTION_TOKEN, TYPE_TOKEN
from ngsi.terms import ENTITY_MEMBERS


def show(document: Document, context: Context) -> Document:
    """The stored document as an answer: names compacted, secrets hidden."""
    body = {name: value for name, value in document.items() if name[0] != "@"}
    compact = context.compact
    if "entities" in body:
        body["entities"] = [
            {**item, "type": TYPE_TOKEN.sub(lambda match: _compact_type(match.group(), context), item["type"])}
            for item in body["entities"]
        ]
    if "watchedAttributes" in body:
        body["watchedAttributes"] = [compact(iri) for iri in body["watchedAttributes"]]
    if "geoproperty" in body.get("geoQ", ()):
        body["geoQ"] = {**body["geoQ"], "geoproperty": compact(meant(body["geoQ"]["geoproperty"]))}
    for member in ("expandValues", "jsonKeys"):
        if member in body:
            body[member] = ",".join(compact(meant(name)) for name in body[member].split(","))
    for member in ("q", "csf"):
        if member in body:
            body[member] = _renamed(body[member], document.get(TERMS, {}), context)
    body["notification"] = _shown_notification(body["notification"], context)
    return body


def _compact_type(token: str, context: Context) -> str:
    return token if token == EVERY_TYPE else context.compact(meant(token))


def _shown_notification(document: Document, context: Context) -> Document:
    body = {**document, "endpoint": endpoint.without_secrets(document["endpoint"])}
    if "attributes" in body:
        body["attributes"] = [context.compact(iri) for iri in body["attributes"]]
    for member in ("pick", "omit"):
        if member in body:
            body[member] = [
                PROJECTION_TOKEN.sub(lambda match: _compact_member(match.group(), context), item)
                for item in body[member]
            ]
    return body


def _compact_member(token: str, context: Context) -> str:
    return token if token in ENTITY_MEMBERS else context.compact(meant(token))


def _renamed(text: str, terms: Mapping[str, str], context: Context) -> str:
    """A query with the names that `context` has for what its own names mean; as it is where they would not fit in."""
    own = Context(terms, (), {}, None)
    try:
        shown = renamed(text, own, lambda name: context.compact(terms[name]) if name in terms else name)
        return shown if parse_q(shown, context) == parse_q(text, own) else text
    except NgsiLdError:
        return text
