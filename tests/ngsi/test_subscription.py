"""Which subscriptions are refused, and by which rule (GS CIM 009, 5.2.12-15)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from ngsi import endpoint, subscription_answer, subscription_document
from ngsi import subscription as subscriptions
from ngsi.errors import BadRequestData
from ngsi.query.types import selects
from tests.ngsi.contexts import context
from tests.ngsi.subscriptions import URI, notifying, reaching, subscription

PLAIN = context()
NOW = datetime(2026, 6, 19, tzinfo=UTC)
AROUND: dict[str, Any] = {"georel": "near;maxDistance==1", "geometry": "Point", "coordinates": [1, 2]}


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (subscription(type="Thing"), "type"),
        (subscription(id="nonsense"), "nonsense"),
        (subscription(entities=[]), "entities"),
        (subscription(entities=[{"id": "urn:a:1"}]), "type"),
        (subscription(entities=[{"type": "Room", "idPattern": "("}]), "idPattern"),
        (subscription(entities=[{"type": "Room", "colour": 1}]), "colour"),
        (subscription(watchedAttributes=[]), "watchedAttributes"),
        (subscription(watchedAttributes=["in valid"]), "watchedAttributes: attribute name 'in valid'"),
        (subscription(entities=[{"type": "*"}], localOnly=False), "localOnly"),
        ({k: v for k, v in subscription().items() if k != "entities"}, "entities"),
        ({k: v for k, v in subscription().items() if k != "notification"}, "notification"),
        (subscription(timeInterval=5, watchedAttributes=["a"]), "timeInterval"),
        (subscription(timeInterval=5, throttling=5), "timeInterval"),
        (subscription(timeInterval=0), "timeInterval"),
        (subscription(throttling=-1), "throttling"),
        (subscription(throttling=True), "throttling"),
        (subscription(q="temperature>"), "q"),
        (subscription(q=""), "q: the string is empty"),
        (subscription(csf="a>"), "csf: "),
        (subscription(csf="a{b}==1"), "csf"),
        (subscription(temporalQ={"timerel": "sometimes", "timeAt": "2026-06-19T00:00:00Z"}), "temporalQ.timerel"),
        (subscription(temporalQ={"timerel": "between", "timeAt": "2026-06-19T00:00:00Z"}), "temporalQ.endTimeAt"),
        (subscription(temporalQ={"timeAt": "2026-06-19T00:00:00Z"}), "temporalQ.timerel"),
        (subscription(datasetId=["nonsense"]), "datasetId"),
        (subscription(geoQ={"georel": "near;maxDistance==1"}), "geometry"),
        (subscription(expiresAt="2020-01-01T00:00:00Z"), "expiresAt"),
        (subscription(expiresAt="tomorrow"), "expiresAt"),
        (subscription(notificationTrigger=["entityExploded"]), "entityExploded"),
        (subscription(notificationTrigger=[]), "notificationTrigger"),
        (subscription(isActive="yes"), "isActive"),
        (subscription(colour="red"), "colour"),
        (notifying(format="pretty"), "format"),
        (notifying(attributes=[]), "attributes"),
        (notifying(pick=["a;b"]), "notification.pick"),
        (notifying(attributes=["a"], pick=["b"]), "attributes"),
        (notifying(pick=["a"], omit=["a"]), "omit"),
        (notifying(pick=["a,b"], omit=["a"]), "omit"),
        (notifying(pick=["a|b"], omit=["b"]), "omit"),
        (notifying(pick=[" a"], omit=["a"]), "omit"),
        (notifying(pick=["a{b}"], omit=["a"]), "omit"),
        (subscription(geoQ={**AROUND, "geoproperty": ""}), "geoQ.geoproperty"),
        (subscription(geoQ={**AROUND, "geoproperty": 0}), "geoQ.geoproperty"),
        (notifying(showChanges=True, format="keyValues"), "showChanges"),
        (notifying(join="sideways"), "join"),
        (subscription(notification={"format": "concise"}), "endpoint"),
        (reaching(uri="ftp://example.org/x"), "uri"),
        (reaching(uri="http:///nowhere"), "uri"),
        (reaching(uri="http://example.org/a b"), "uri"),
        (reaching(uri="http://a..b/x"), "host"),
        (reaching(uri=f"http://{'a' * 64}.example/x"), "host"),
        (reaching(uri="mqtt://example.org/"), "topic"),
        (reaching(uri="mqtt://example.org/a/#"), "wildcard"),
        (reaching(accept="text/html"), "accept"),
        (reaching(timeout=0), "timeout"),
        (reaching(receiverInfo=[{"key": "X-A", "value": "1\r\nX-B: 2"}]), "line break"),
        (reaching(receiverInfo=[{"key": "X A", "value": "1"}]), "X A"),
        (reaching(receiverInfo=[{"key": "Transfer-Encoding", "value": "chunked"}]), "Transfer-Encoding"),
        (reaching(receiverInfo=[{"key": "Via", "value": "1.1 elsewhere"}]), "Via"),
        (reaching(receiverInfo=[{"key": "X-A", "value": 1}]), "strings"),
        (reaching(receiverInfo=[{"X-A": {"a": 1}}]), "strings"),
        (reaching(receiverInfo=[{"key": "X-A"}]), "strings"),
        (reaching(notifierInfo=[{"MQTT-QoS": 3}]), "MQTT-QoS"),
        (reaching(notifierInfo=[{"key": "MQTT-QoS", "value": "3"}]), "MQTT-QoS"),
        (reaching(notifierInfo=[{"key": "Webhook-Secret", "value": "whsec_!"}]), "base64"),
        (reaching(notifierInfo=[{"key": "Webhook-Secret", "value": "***"}]), "Webhook-Secret: *** stands for"),
        (reaching(receiverInfo=[{"key": "Authorization", "value": "***"}]), "Authorization: *** stands for"),
        (reaching(uri="mqtt://u:***@h/t"), "endpoint.uri: the password ***"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_member_and_rule(body: Any, word: str) -> None:
    with pytest.raises(BadRequestData) as caught:
        subscription_document.parse(body, PLAIN, NOW)
    assert word in caught.value.detail


def test_pairs_as_some_clients_write_them() -> None:
    given = reaching(receiverInfo=[{"Authorization": "Bearer x"}], notifierInfo=[{"MQTT-QoS": 2}])
    document = subscription_document.parse(given, PLAIN, NOW)
    told = document["notification"]["endpoint"]
    assert told["receiverInfo"] == [{"key": "Authorization", "value": "Bearer x"}]
    assert told["notifierInfo"] == [{"key": "MQTT-QoS", "value": "2"}]


@pytest.mark.parametrize(
    "body",
    [
        subscription(description="", subscriptionName=""),
        subscription(datasetId=["@none", "urn:d:1"]),
        subscription(temporalQ={"timerel": "before", "timeAt": "2026-06-19T00:00:00Z"}, csf="a==1", splitEntities=True),
        subscription(q="isIn{House:rooms}>3"),
        notifying(pick=["id", "createdAt", "a"]),
        subscription(entities=[{"@type": "Room", "@id": "urn:x:1"}]),
    ],
)
def test_what_the_standard_allows_is_taken(body: Any) -> None:
    subscription_document.parse(body, PLAIN, NOW)


@pytest.mark.parametrize("null", [None, "urn:ngsi-ld:null"])
def test_an_update_without_a_uri_keeps_the_rest_and_null_removes_a_member(null: Any) -> None:
    stored = subscription_document.parse(notifying(attributes=["a"], sysAttrs=True), PLAIN, NOW)
    fragment = {"notification": {"attributes": null}}
    changed = subscription_document.patch(stored, fragment, PLAIN, NOW)["notification"]
    assert changed == {"sysAttrs": True, "endpoint": stored["notification"]["endpoint"]}
    reached = subscription_document.patch(stored, {"notification": {"endpoint": {"timeout": 9}}}, PLAIN, NOW)
    place = {**stored["notification"]["endpoint"], "timeout": 9}
    assert reached["notification"] == {**stored["notification"], "endpoint": place}
    for fragment in ({"endpoint": null}, {"endpoint": {"uri": null}}, {"endpoint": 5}):
        with pytest.raises(BadRequestData, match="endpoint"):
            subscription_document.patch(stored, {"notification": fragment}, PLAIN, NOW)
    wanted = {"accept": "application/ld+json", "cooldown": 5, "receiverInfo": [{"key": "A", "value": "b"}]}
    far = subscription_document.parse(reaching(timeout=9, **wanted), PLAIN, NOW)
    changed = subscription_document.patch(far, {"notification": {"endpoint": dict.fromkeys(wanted, null)}}, PLAIN, NOW)
    assert changed["notification"] == {"endpoint": {"uri": URI, "timeout": 9}}
    described = subscription_document.parse(subscription(description="a"), PLAIN, NOW)
    assert "description" not in subscription_document.patch(described, {"description": null}, PLAIN, NOW)


@pytest.mark.parametrize(
    ("fragment", "hours", "active"),
    [
        ({"expiresAt": "2026-06-20T00:00:00Z"}, 2, True),
        ({"expiresAt": "2026-06-20T00:00:00Z"}, 0, False),  # paused it stays: it had not expired
        ({"expiresAt": "2026-06-20T00:00:00Z", "isActive": False}, 2, False),
        ({"description": "a"}, 2, False),
    ],
)
def test_a_new_end_revives_what_had_expired(fragment: dict[str, Any], hours: int, active: bool) -> None:
    paused = subscription(isActive=False, expiresAt="2026-06-19T01:00:00Z")
    stored = subscription_document.parse(paused, PLAIN, NOW)
    changed = subscription_document.patch(stored, fragment, PLAIN, NOW + timedelta(hours=hours))
    assert subscriptions.read(changed).is_active is active


def test_values_that_are_names_are_expanded_where_that_is_asked_for() -> None:
    named = context(open="https://a.example/open")
    stored = subscription_document.parse(subscription(q='state=="open"'), named, NOW)
    assert subscriptions.read(stored).query.q.operands[0].value == "open"
    changed = subscription_document.patch(stored, {"expandValues": "state"}, PLAIN, NOW)
    assert subscriptions.read(changed).query.q.operands[0].value == "https://a.example/open"
    kept = subscription_document.patch(changed, {"jsonKeys": "state"}, PLAIN, NOW)
    assert subscriptions.read(kept).query.q.operands[0].value == "open"


@pytest.mark.parametrize(
    ("uri", "host"),
    [("http://金沢.example/x", "xn--6uw360f.example"), ("http://[::1]:80/x", "::1"), ("HTTP://A.B", "a.b")],
)
def test_a_host_is_written_as_the_network_knows_it(uri: str, host: str) -> None:
    assert endpoint.address(uri).host == host


def test_a_stored_document_is_read_without_its_context() -> None:
    named = context(Room="https://a.example/Room", t="https://a.example/t")
    document = subscription_document.parse(subscription(q="t>20", watchedAttributes=["t"]), named, NOW)
    found = subscriptions.read(orjson.loads(orjson.dumps(document)))
    assert found.query.selectors[0].types == "https://a.example/Room"
    assert found.query.q.path.attributes == ("https://a.example/t",)
    assert found.watched == {"https://a.example/t"}
    assert found.triggers == {"attributeCreated", "attributeUpdated"}


@pytest.mark.parametrize(
    "iri",
    [
        "http://d.example/Mercury_(planet)",
        "http://d.example/b,c",
        "http://d.example/b;c",
        "urn:a:[b]",
        "urn:a:%28(b%2C",
    ],
)
def test_a_name_whose_iri_has_signs_of_the_query_languages(iri: str) -> None:
    named = context(n=iri)
    given = subscription(
        entities=[{"type": "(n;Room),Hall"}],
        geoQ={**AROUND, "geoproperty": "n"},
        q="n>1",
        expandValues="n,other",
        notification={"pick": ["n{n}", "id"], "omit": ["other"], "endpoint": {"uri": URI}},
    )
    stored = orjson.loads(orjson.dumps(subscription_document.parse(given, named, NOW)))
    found = subscriptions.read(stored)
    assert selects(found.query.selectors[0].types, [iri, PLAIN.expand("Room")])
    assert not selects(found.query.selectors[0].types, [PLAIN.expand("Room")])
    assert (found.query.geo.geoproperty, found.query.q.path.attributes) == (iri, (iri,))
    assert found.notification.representation.projection.picked == {iri: {iri: {}}, "id": {}}
    shown = subscription_answer.show(stored, named)
    assert {name: shown[name] for name in given} == given


EX = "http://ex.org/"


@pytest.mark.parametrize(
    ("q", "plain", "other"),
    [
        ("name~=name.*", "http://ex.org/name~=name.*", "n~=name.*"),
        ("name==urn:name:1", "http://ex.org/name==urn:name:1", "n==urn:name:1"),
        ('ex:foo=="foo";foo==name', 'http://ex.org/x/foo=="foo";http://ex.org/foo==name', 'x:foo=="foo";f==name'),
        ('"name"=="name"|!foo', '"http://ex.org/name"=="name"|!http://ex.org/foo', '"n"=="name"|!f'),
        ("name[foo]==1..2;foo!=3", "http://ex.org/name[foo]==1..2;http://ex.org/foo!=3", "n[foo]==1..2;f!=3"),
        ("foo{name}>1", "http://ex.org/foo{http://ex.org/name}>1", "f{n}>1"),
        ("foo{name:name}>1", "foo{name:name}>1", "f{n:n}>1"),  # a type in braces is no IRI: as it was written
        ("dotted>1", "http://ex.org/x/a.b>1", '"x:a.b">1'),
        ("name.foo>1", "name.foo>1", "n.f>1"),  # nor is a name with another after it
        (
            "name.observedAt>2026-01-01T00:00:00Z",
            "name.observedAt>2026-01-01T00:00:00Z",
            "n.observedAt>2026-01-01T00:00:00Z",
        ),
    ],
)
def test_only_the_names_in_q_are_shown_by_the_context_of_the_reader(q: str, plain: str, other: str) -> None:
    named = context(name=EX + "name", foo=EX + "foo", ex=EX + "x/", dotted=EX + "x/a.b")
    short = context(n=EX + "name", f=EX + "foo", x=EX + "x/")
    stored = subscription_document.parse(subscription(q=q), named, NOW)
    for reader, expected in ((named, q), (PLAIN, plain), (short, other)):
        shown = subscription_answer.show(stored, reader)["q"]
        assert shown == expected
        if reader is not PLAIN or plain != q:  # sent back it means the same
            again = subscription_document.patch(stored, {"q": shown}, reader, NOW)
            assert subscriptions.read(again).query == subscriptions.read(stored).query


def test_names_stored_before_are_read_as_they_are() -> None:
    iri = "http://d.example/Mercury_%28planet%29"
    stored = {**subscription(entities=[{"type": iri}]), "notification": {"pick": [iri], "endpoint": {"uri": URI}}}
    found = subscriptions.read(stored)
    assert found.query.selectors[0].types == iri
    assert found.notification.representation.projection.picked == {iri: {}}


def test_another_name_of_a_time_is_remembered() -> None:
    german = context(beobachtet="https://uri.etsi.org/ngsi-ld/observedAt")
    document = subscription_document.parse(subscription(q="t.beobachtet>2026-01-01T00:00:00Z"), german, NOW)
    path = subscriptions.read(orjson.loads(orjson.dumps(document))).query.q.path
    assert (path.member, len(path.attributes)) == ("observedAt", 1)
