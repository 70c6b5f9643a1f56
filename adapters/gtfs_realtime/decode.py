"""GTFS Realtime to Vehicle, ArrivalEstimation and Alert (formats document f)."""

import re
import struct
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from google.protobuf import json_format, text_format
from google.protobuf.message import DecodeError as NoProtobuf
from google.transit import gtfs_realtime_pb2 as realtime

from adapters.codecs.cells import Cells
from adapters.codecs.jst import plausible
from adapters.codecs.number import Range, within
from adapters.codecs.station import place
from adapters.contract import Decode, DecodeError, Message
from adapters.gtfs_realtime.timetable import Call, Timetable
from models import WITHHELD, Alert, ArrivalEstimation, Model, Vehicle, urn, zulu

FASTEST = Range(0, 320)  # km/h; a bus is slower, a train may not be
SEVERITY = {"INFO": "informational", "WARNING": "medium", "SEVERE": "high"}
SUBJECT = {"CONSTRUCTION": "roadWorks", "MAINTENANCE": "roadWorks", "ACCIDENT": "carAccident"}
EFFECT = {"NO_SERVICE": "roadClosed"}
OFF = ("CANCELED", "DELETED")  # of a trip
NOTHING = ("SKIPPED", "NO_DATA")  # of a stop
HORIZON = timedelta(hours=3)  # what is expected later says nothing yet
_TEXT = re.compile(rb"(?:\s*#[^\n]*\n)*\s*(?:header|entity)\s*:?\s*\{")


class Feed(NamedTuple):
    """One realtime feed: the ids of the static one it speaks of, what its vehicles are, and when it spoke."""

    name: str
    vehicle_type: str
    timetable: Timetable
    at: datetime
    received_at: datetime

    def urn(self, entity_type: str, code: str) -> str:
        return urn(entity_type, self.name, code)


def decoder(feed: str, vehicle_type: str, timetable: Timetable) -> Decode:
    """The decoder for one feed."""

    def decode(message: Message) -> Iterator[Model | DecodeError]:
        page = _feed(message.body)
        told = _moment(page.header.timestamp) or message.received_at
        at = plausible("header.timestamp", told, message.received_at)
        spoken = Feed(feed, vehicle_type, timetable, at, message.received_at)
        for entity in page.entity:
            alone = realtime.FeedMessage(header=page.header, entity=[entity])
            try:
                for item in _entity(spoken, entity):
                    yield item.of_row(alone.SerializeToString()) if isinstance(item, DecodeError) else item
            except DecodeError as error:
                yield error.of_row(alone.SerializeToString())

    return decode


def _feed(body: bytes) -> Any:
    """The feed: protobuf, or what a server writes for people to read, protobuf's text or JSON. Raises DecodeError."""
    page = realtime.FeedMessage()
    try:
        if body.lstrip()[:1] == b"{":
            json_format.Parse(body, page, ignore_unknown_fields=True)
        elif _TEXT.match(body):
            text_format.Parse(body, page)
        else:
            page.ParseFromString(body)
    except (NoProtobuf, json_format.ParseError, text_format.ParseError, UnicodeDecodeError):
        raise DecodeError("feed", body[:20], "is no GTFS Realtime, or not all of it") from None
    return page


def _entity(feed: Feed, entity: Any) -> Iterator[Model | DecodeError]:
    if entity.is_deleted:
        return  # only incremental feeds, which nobody publishes, speak of what is gone
    known = [kind for kind in ("vehicle", "trip_update", "alert") if entity.HasField(kind)]
    if not known:
        raise DecodeError("entity", entity.id, "is neither vehicle, trip_update nor alert")
    if "vehicle" in known:
        reader = Cells()
        yield _vehicle(feed, entity.id, entity.vehicle, reader)
        yield from reader.errors
    if "trip_update" in known:
        yield from _arrivals(feed, entity.trip_update)
    if "alert" in known:
        yield _alert(feed, entity.id, entity.alert)


def _vehicle(feed: Feed, number: str, told: Any, reader: Cells) -> Vehicle:
    at = plausible("timestamp", _moment(told.timestamp) or feed.at, feed.received_at)
    position, trip = told.position, told.trip
    code = told.vehicle.id or told.vehicle.label or number
    speed = round(position.speed * 3.6, 2) if position.HasField("speed") else None
    return Vehicle(
        id=feed.urn("Vehicle", code),
        observed_at=at,
        name=told.vehicle.label or None,
        vehicle_type=feed.vehicle_type,
        category=("public", "tracked"),
        fleet_vehicle_id=told.vehicle.id or None,
        location=reader.attempt(lambda: place(_digits(position.latitude), _digits(position.longitude)))
        if told.HasField("position")
        else None,
        heading=round(float(position.bearing), 2) % 360 if position.HasField("bearing") else None,
        speed=None if speed is None else reader.attempt(lambda: within("speed", speed, FASTEST)),
        service_status="onRoute" if trip.trip_id or trip.route_id else None,
        has_trip=feed.urn("GtfsTrip", trip.trip_id) if trip.trip_id else None,
        has_route=feed.urn("GtfsRoute", trip.route_id) if trip.route_id else None,
        at_stop=feed.urn("GtfsStop", told.stop_id) if told.stop_id else None,
        stop_status=_word(told, "current_status"),
        stop_sequence=told.current_stop_sequence if told.HasField("current_stop_sequence") else None,
        occupancy_status=_word(told, "occupancy_status"),
        congestion_level=_word(told, "congestion_level"),
    )


def _digits(value: float) -> float:
    """A float32 with the digits it really has."""
    shorter = (float(f"{value:.{digits}g}") for digits in (6, 7, 8))
    return next((each for each in shorter if struct.pack("f", each) == struct.pack("f", value)), value)


class Expected(NamedTuple):
    """What is said of one stop of a trip: which it is, when it is due and when the vehicle comes (with its delay)."""

    stop: str
    sequence: int | None
    head_sign: str
    relationship: str
    due: datetime | None
    at: datetime | None = None
    delay: int | None = None


def _arrivals(feed: Feed, told: Any) -> Iterator[ArrivalEstimation]:
    """One per stop that is still ahead. Raises DecodeError when only the static feed could tell where it goes."""
    trip = told.trip.trip_id
    if not feed.timetable.knows(trip):
        raise DecodeError("trip_id", trip, "is not in the timetable, so its head sign is not known")
    at = plausible("timestamp", _moment(told.timestamp) or feed.at, feed.received_at)
    for each in _expected(feed, told, _day(told.trip.start_date) or feed.timetable.day(at)):
        when = each.at or each.due
        if when is None or not at <= when <= at + HORIZON:
            continue  # passed already, or of tomorrow
        yield ArrivalEstimation(
            id=feed.urn("ArrivalEstimation", f"{trip}:{each.stop if each.sequence is None else each.sequence}"),
            observed_at=at,
            has_stop=(feed.urn("GtfsStop", each.stop),),
            has_trip=feed.urn("GtfsTrip", trip),
            has_route=feed.urn("GtfsRoute", told.trip.route_id) if told.trip.route_id else None,
            head_sign=each.head_sign or feed.timetable.head_sign(trip),
            # Where nothing is expected, no older estimation may stand for it.
            remaining_time=_duration(each.at - at) if each.at else WITHHELD,
            expected_at=zulu(each.at) if each.at else WITHHELD,
            delay=each.delay if each.at else WITHHELD,
            stop_sequence=each.sequence,
            schedule_relationship=each.relationship,
        )


def _expected(feed: Feed, told: Any, day: date) -> Iterator[Expected]:
    """Every stop of the trip of which something is known: a delay goes on to the stops after it (GTFS Realtime)."""
    calls = [(call, feed.timetable.due(call, day)) for call in feed.timetable.calls(told.trip.trip_id)]
    if _word(told.trip, "schedule_relationship") in OFF:  # whatever it says of its stops
        yield from (Expected(call.stop, call.sequence, call.head_sign, "CANCELED", due) for call, due in calls)
        return
    updates = list(told.stop_time_update)
    delay: int | None = None
    for call, due in calls:
        update = next((each for each in updates if _is_of(each, call)), None)
        if update is None:
            if delay is not None and due is not None:
                late = due + timedelta(seconds=delay)
                yield Expected(call.stop, call.sequence, call.head_sign, "SCHEDULED", due, late, delay)
            continue
        updates.remove(update)
        said = _said(update, update.stop_id or call.stop, call.sequence, call.head_sign, due)
        if said.relationship != "SKIPPED":  # what is skipped delays nobody
            delay = said.delay if said.at else None
        yield said
    for update in updates:  # of stops the timetable does not know
        if update.stop_id:
            sequence = update.stop_sequence if update.HasField("stop_sequence") else None
            yield _said(update, update.stop_id, sequence, "", None)


def _is_of(update: Any, call: Call) -> bool:
    if update.HasField("stop_sequence"):
        return bool(update.stop_sequence == call.sequence)
    return bool(update.stop_id == call.stop)


def _said(update: Any, stop: str, sequence: int | None, head_sign: str, due: datetime | None) -> Expected:
    """What an update says of its stop: the time, else the timetable's and the delay; without either it is on time."""
    relationship = _word(update, "schedule_relationship") or "SCHEDULED"
    if relationship in NOTHING:
        return Expected(stop, sequence, head_sign, relationship, due)
    event = update.arrival if update.HasField("arrival") else update.departure
    delay = event.delay if event.HasField("delay") else None
    if event.HasField("time"):
        at = _moment(event.time)
        if delay is None and due is not None and at is not None:
            delay = int((at - due).total_seconds())
        return Expected(stop, sequence, head_sign, relationship, due, at, delay)
    delay = delay or 0
    return Expected(stop, sequence, head_sign, relationship, due, due and due + timedelta(seconds=delay), delay)


def _alert(feed: Feed, number: str, told: Any) -> Alert:
    period = told.active_period[0] if told.active_period else realtime.TimeRange()
    since = _moment(period.start)
    cause, effect = _word(told, "cause"), _word(told, "effect")
    return Alert(
        id=feed.urn("Alert", number),
        # An alert is issued when it begins: the feed's own time is another at every look.
        observed_at=since if since and since <= feed.at else feed.at,
        category="weather" if cause == "WEATHER" else "traffic",
        sub_category=SUBJECT.get(cause or "") or EFFECT.get(effect or ""),
        severity=SEVERITY.get(_word(told, "severity_level") or ""),
        alert_source=_text(told.url) or f"urn:ngsi-ld:GtfsFeed:{feed.name}",
        name=_text(told.header_text),
        description=_text(told.description_text),
        valid_from=since,
        valid_to=_moment(period.end),
        cause=cause,
        effect=effect,
        page=_text(told.url),
        concerns=tuple(dict.fromkeys(_concerned(feed, told))) or None,
    )


def _concerned(feed: Feed, told: Any) -> Iterator[str]:
    for each in told.informed_entity:
        for entity_type, code in (
            ("GtfsAgency", each.agency_id),
            ("GtfsRoute", each.route_id or each.trip.route_id),
            ("GtfsTrip", each.trip.trip_id),
            ("GtfsStop", each.stop_id),
        ):
            if code:
                yield feed.urn(entity_type, code)


def _text(told: Any, language: str = "ja") -> str | None:
    """The text in `language`, else the first."""
    texts = {each.language: each.text for each in reversed(told.translation)}
    return texts.get(language) or next((each.text for each in told.translation), None)


def _word(told: Any, field: str) -> str | None:
    """The name of an enumerated value; None when it is not told."""
    if not told.HasField(field):
        return None
    number = getattr(told, field)
    word = told.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number.get(number)
    return word.name if word else str(number)


def _moment(seconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds else None
    except (ValueError, OverflowError, OSError):
        raise DecodeError("timestamp", seconds, "is no POSIX time") from None


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y%m%d").date() if text else None
    except ValueError:
        raise DecodeError("start_date", text, "is no YYYYMMDD") from None


def _duration(left: timedelta) -> str:
    minutes, seconds = divmod(int(left.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if number)
    return f"PT{parts or '0S'}"
