"""The document of a subscription (GS CIM 009, 5.2.12-15, 5.8): from the wire to what is stored.

The stored document is the client's own, checked, with every name expanded; `TERMS` beside its members keeps what the
names inside q and csf mean, `VALUES` what the values in q mean as names, so that it is read again without any @context.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from ngsi import endpoint, times
from ngsi.errors import BadRequestData, shown
from ngsi.jsonld import Context
from ngsi.query.q import Literal, conditions, parse_q
from ngsi.query.types import EVERY_TYPE
from ngsi.subscription import TERMS, VALUES, Document, read
from ngsi.subscription_members import KEYWORD_NAMES, MEMBERS
from ngsi.terms import NULL

_READ_ONLY: Final = frozenset({"status", "createdAt", "modifiedAt", "@context", "@id", "@type"})


class _Recorder(Context):
    """A context that remembers what it was asked."""

    __slots__ = ("_context", "asked")

    def __init__(self, context: Context) -> None:
        super().__init__({}, (), {}, None)
        self._context = context
        self.asked: dict[str, str] = {}

    def expand(self, name: str) -> str:
        return self.asked.setdefault(name, self._context.expand(name))

    def term(self, name: str) -> str:
        meant = self._context.term(name)
        if meant != name:
            self.expand(name)
        return meant

    def attribute(self, name: str) -> str:
        self._context.attribute(name)  # is it a name at all?
        return self.expand(name)


def parse(body: Any, context: Context, now: datetime) -> Document:
    """The document of a whole subscription (5.8.1). Raises BadRequestData naming member, value and rule."""
    document = _fragment(body, context, now)
    if document.get("type") != "Subscription":
        raise BadRequestData(f"type: {shown(document.get('type'))} is not 'Subscription' (5.2.12)")
    _refuse_hidden(document)
    check(document)
    return document


def _refuse_hidden(document: Document) -> None:
    """Raises BadRequestData for a secret as it is shown: here is none that it could stand for."""
    if "endpoint" in document.get("notification", ()):
        endpoint.with_secrets(document["notification"]["endpoint"], {})


def patch(stored: Document, body: Any, context: Context, now: datetime) -> Document:
    """`stored` with the members of a fragment in place of its own; null removes one (5.8.2, 5.5.8)."""
    body, gone = _parted(body)
    given = body.get("notification") if isinstance(body, dict) else None
    given, unwanted = _parted(given)
    place, unset = _parted(given.get("endpoint") if isinstance(given, dict) else None)
    if isinstance(given, dict):
        body["notification"] = {**given, "endpoint": place} if "endpoint" in given else given
    fragment = _fragment(body, context, now)
    _check_kept(stored, fragment, gone, unwanted, unset)
    terms = {**stored.get(TERMS, {}), **fragment.get(TERMS, {})}
    if "notification" in fragment:
        kept = _without(stored["notification"], unwanted)
        kept["endpoint"] = _without(kept["endpoint"], unset)
        fragment["notification"] = _merged_notification(kept, fragment["notification"])
    document = _without({**stored, **fragment}, gone)
    if "expiresAt" in fragment and "isActive" not in fragment and _expired(stored, now):
        document.pop("isActive", None)  # a new end alone brings it back to life, paused or not (5.8.2.4)
    if terms:
        document[TERMS] = terms
    check(document)
    return document


def _expired(document: Document, now: datetime) -> bool:
    return "expiresAt" in document and times.parse(document["expiresAt"]) <= now


def _check_kept(
    stored: Document, fragment: Document, gone: frozenset[str], unwanted: frozenset[str], unset: frozenset[str]
) -> None:
    """Raises BadRequestData for what would take away, or change, what a subscription always has.

    Null stands for the members `gone`, for `unwanted` ones of the notification and `unset` ones of its endpoint.
    """
    if fragment.get("type", "Subscription") != "Subscription" or gone & {"id", "type", "notification"}:
        raise BadRequestData("a subscription keeps its id, type and notification (5.2.12)")
    if "endpoint" in unwanted:
        raise BadRequestData("notification.endpoint: a notification keeps its endpoint (5.2.14)")
    if "uri" in unset:
        raise BadRequestData("notification.endpoint.uri: an endpoint keeps a uri (5.2.15)")
    if fragment.get("id", stored["id"]) != stored["id"]:
        raise BadRequestData(f"id: {shown(fragment['id'])}: a subscription's id cannot be changed (5.2.12)")


def _without(document: Document, gone: frozenset[str]) -> Document:
    return {name: value for name, value in document.items() if name not in gone}


def _parted(body: Any) -> tuple[Any, frozenset[str]]:
    """The members of an object that say something, and the names of those that are null, in JSON or in NGSI-LD."""
    if not isinstance(body, dict):
        return body, frozenset()
    gone = frozenset(name for name, value in body.items() if value is None or value == NULL)
    return {name: value for name, value in body.items() if name not in gone}, gone


def _merged_notification(stored: Document, given: Document) -> Document:
    """A notification is replaced as a whole (5.5.8), unless it leaves its mandatory endpoint to the stored one."""
    place = given.get("endpoint", {})
    if "uri" not in place:
        given, place = {**stored, **given}, {**stored["endpoint"], **place}
    return {**given, "endpoint": endpoint.with_secrets(place, stored["endpoint"])}


def _fragment(body: Any, context: Context, now: datetime) -> Document:
    if not isinstance(body, dict):
        raise BadRequestData(f"a subscription is a JSON object, not {shown(body)}")
    recorder = _Recorder(context)
    document: Document = {}
    for given, value in body.items():
        name = KEYWORD_NAMES.get(given, given)
        if name in _READ_ONLY:
            continue
        if name not in MEMBERS:
            raise BadRequestData(f"{name}: a subscription has no such member (5.2.12)")
        document[name] = MEMBERS[name](value, name, recorder if name in ("q", "csf") else context)
    if recorder.asked:
        document[TERMS] = recorder.asked
    if "q" in document:
        document[VALUES] = _values(document["q"], context)
    if _expired(document, now):
        raise BadRequestData(f"expiresAt: {document['expiresAt']} is in the past (5.8.1)")
    return document


def _values(q: str, context: Context) -> dict[str, str]:
    """What the texts in `q` mean as names: expandValues may ask for it, now or after an update."""
    literals = (item for condition in conditions(parse_q(q, context)) for item in condition.operands)
    texts = [item.value for item in literals if isinstance(item, Literal) and item.kind in ("string", "uri")]
    return {text: context.expand(text) for text in texts}


def check(document: Document) -> None:
    """Raises BadRequestData for members that do not go together (5.2.12, 5.2.14), or that cannot be read again."""
    for broken, sentence in _RULES:
        if broken(document):
            raise BadRequestData(sentence)
    read({"id": "", **document})


def _notified(document: Document, *members: str) -> int:
    return sum(member in document["notification"] for member in members)


_RULES: Final[tuple[tuple[Callable[[Document], bool], str], ...]] = (
    (lambda d: "notification" not in d, "notification: a subscription says where and how to notify (5.2.12)"),
    (
        lambda d: not (d.get("localOnly") or "entities" in d or "watchedAttributes" in d),
        "entities: a subscription names entities or watchedAttributes, unless it is localOnly (5.2.12)",
    ),
    (
        lambda d: "timeInterval" in d and not (d.get("localOnly") or "entities" in d),
        "entities: a subscription with timeInterval names entities (5.2.12)",
    ),
    (
        lambda d: "timeInterval" in d and "watchedAttributes" in d,
        "timeInterval: excludes watchedAttributes (5.2.12)",
    ),
    (lambda d: "timeInterval" in d and "throttling" in d, "timeInterval: excludes throttling (5.2.12)"),
    (
        lambda d: bool(_notified(d, "attributes")) and bool(_notified(d, "pick", "omit")),
        "notification.attributes: a synonym of pick, so neither pick nor omit goes with it (5.2.14)",
    ),
    (
        lambda d: (
            bool(d["notification"].get("showChanges"))
            and d["notification"].get("format") in ("simplified", "keyValues")
        ),
        "notification.showChanges: has no place in the simplified format (5.2.14)",
    ),
    (
        lambda d: d.get("localOnly") is False and any(item["type"] == EVERY_TYPE for item in d.get("entities", ())),
        "localOnly: the type * implies local scope, so localOnly cannot be false (5.2.33)",
    ),
    (lambda d: "endpoint" not in d["notification"], "notification.endpoint: is needed (5.2.14)"),
    (lambda d: "uri" not in d["notification"]["endpoint"], "notification.endpoint.uri: is needed (5.2.15)"),
)
