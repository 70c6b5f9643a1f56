"""Subscriptions in their inner form (GS CIM 009, 5.2.12-15), read from the document that is stored."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ngsi import endpoint, times
from ngsi.downgrade import LATEST, Version
from ngsi.forms import Format
from ngsi.jsonld import Context
from ngsi.language import parse_languages
from ngsi.projection import EVERYTHING, Projection, parse_projection
from ngsi.query.entities import EntityQuery, EntitySelector
from ngsi.query.geo import parse_geo
from ngsi.query.pattern import parse_pattern
from ngsi.query.q import Query, parse_q
from ngsi.query.scope import parse_scopes
from ngsi.query.types import parse_types
from ngsi.representation import Representation
from ngsi.stored_names import StoredNames, meant
from ngsi.terms import CORE

Document = dict[str, Any]

TERMS: Final = "@terms"
VALUES: Final = "@values"
ATTRIBUTE_TRIGGERS: Final = frozenset({"attributeCreated", "attributeUpdated", "attributeDeleted"})
VERSION: Final = re.compile(r"(\d{1,3})\.(\d{1,3})(?:\.\d{1,3})?", re.ASCII)
_STORED: Final = StoredNames()
_NAMES: Final = ("expandValues", "jsonKeys")
_DEFAULT_TRIGGERS: Final = frozenset({"attributeCreated", "attributeUpdated"})
_FORMAT_OF: Final[dict[str, Format]] = {"concise": "concise", "simplified": "simplified", "keyValues": "simplified"}


@dataclass(frozen=True, slots=True)
class NotificationParams:
    """What is sent and how (5.2.14)."""

    endpoint: endpoint.Endpoint
    representation: Representation
    format: str = "normalized"
    show_changes: bool = False
    join: str | None = None
    join_level: int = 1
    version: Version | None = None

    @property
    def sys_attrs(self) -> bool:
        return self.representation.sys_attrs


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription as the dispatcher knows it; names are IRIs, durations seconds, instants UTC."""

    id: str
    query: EntityQuery
    watched: frozenset[str] | None
    triggers: frozenset[str]
    notification: NotificationParams
    throttling: float | None = None
    time_interval: float | None = None
    expires_at: datetime | None = None
    is_active: bool = True
    jsonld_context: str | None = None

    def expired(self, moment: datetime) -> bool:
        """Whether nothing is told any more of what happens at `moment` (5.2.12)."""
        return self.expires_at is not None and self.expires_at <= moment


def read(document: Document) -> Subscription:
    """The inner form of a stored document; raises BadRequestData only when it was stored by something else."""
    context = _STORED
    expires_at = document.get("expiresAt")
    triggers = frozenset(document.get("notificationTrigger", _DEFAULT_TRIGGERS))
    return Subscription(
        id=document["id"],
        query=_query(document, context),
        watched=frozenset(document["watchedAttributes"]) if "watchedAttributes" in document else None,
        triggers=(triggers - {"entityUpdated"}) | ATTRIBUTE_TRIGGERS if "entityUpdated" in triggers else triggers,
        notification=_params(document, context),
        throttling=document.get("throttling"),
        time_interval=document.get("timeInterval"),
        expires_at=times.parse(expires_at) if expires_at else None,
        is_active=document.get("isActive", True),
        jsonld_context=document.get("jsonldContext"),
    )


def _query(document: Document, context: Context) -> EntityQuery:
    geo = document.get("geoQ", {})
    place = geo.get("geoproperty", CORE + "location") if geo else None
    return EntityQuery(
        selectors=tuple(_selector(item, context) for item in document.get("entities", ())),
        q=_q(document) if "q" in document else None,
        geo=parse_geo(geo.get("georel"), geo.get("geometry"), geo.get("coordinates"), place, context),
        scopes=parse_scopes(document["scopeQ"]) if "scopeQ" in document else None,
        local=True,
    )


def _q(document: Document) -> Query:
    context = Context({**document.get(VALUES, {}), **document.get(TERMS, {})}, (), {}, None)
    names = {member: frozenset(map(meant, document.get(member, "").split(","))) for member in _NAMES}
    return parse_q(document["q"], context, names["expandValues"] - names["jsonKeys"])


def _selector(item: Document, context: Context) -> EntitySelector:
    """id takes precedence over idPattern (5.2.33)."""
    ids = item.get("id", ())
    pattern = parse_pattern(item["idPattern"], "idPattern") if "idPattern" in item and not ids else None
    return EntitySelector((ids,) if isinstance(ids, str) else tuple(ids), parse_types(item["type"], context), pattern)


def _params(document: Document, context: Context) -> NotificationParams:
    given = document["notification"]
    form = given.get("format", "normalized")
    version = VERSION.fullmatch(document.get("ngsildConformance", ""))
    asked = (int(version[1]), int(version[2])) if version else None
    return NotificationParams(
        endpoint.read(given["endpoint"]),
        _representation(document, given, form, context),
        "simplified" if form == "keyValues" else form,
        given.get("showChanges", False),
        given.get("join") if given.get("join") != "@none" else None,
        given.get("joinLevel", 1),
        asked if asked and asked < LATEST else None,
    )


def _representation(document: Document, given: Document, form: str, context: Context) -> Representation:
    datasets = document.get("datasetId")
    return Representation(
        format=_FORMAT_OF.get(form, "normalized"),
        sys_attrs=given.get("sysAttrs", False),
        attributes=frozenset(given["attributes"]) if "attributes" in given else None,
        projection=_projection(given, context),
        languages=parse_languages(document["lang"]) if "lang" in document else None,
        datasets=frozenset([datasets] if isinstance(datasets, str) else datasets) if datasets else None,
    )


def _projection(given: Document, context: Context) -> Projection:
    if "pick" not in given and "omit" not in given:
        return EVERYTHING
    pick, omit = (",".join(given[member]) if member in given else None for member in ("pick", "omit"))
    return parse_projection(pick, omit, context)
