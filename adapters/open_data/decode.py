"""Municipal standard data sets to the entities of what they list (formats document g)."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from adapters.codecs.cells import Cells
from adapters.codecs.jst import local
from adapters.codecs.number import MISSING, Range, number
from adapters.codecs.station import position
from adapters.codecs.table import Row, read_rows, rows, text_of
from adapters.contract import Decode, DecodeError, Item, Message, Whole
from adapters.open_data.datasets import BY_NAME, COMMON, DATASETS, HAZARDS, Dataset
from models import Event, Model, PointOfInterest, TouristDestination, WifiPointOfInterest, urn

PEOPLE = Range(0, 1_000_000)
YES = frozenset(["有", "1", "○", "◯", "〇", "●", "可", "あり", "はい", "true", "TRUE"])
NO = frozenset(["無", "0", "×", "✕", "不可", "なし", "いいえ", "false", "FALSE"])
ADDRESS = {"prefecture": "addressRegion", "city": "addressLocality", "postcode": "postalCode"}


def decoder(dataset: str, municipality: str, whole: bool = False) -> Decode:
    """The decoder for one data set, or, when `dataset` is empty, for whichever a file shows itself to be."""

    def decode(message: Message) -> Iterator[Item]:
        kind = BY_NAME[dataset] if dataset else dataset_of(message)
        seen: set[str] = set()

        def read(row: Row) -> Iterator[Model | DecodeError]:
            cells = Cells()
            try:
                yield _entity(kind, row.cells, cells, municipality, seen)
            except DecodeError as error:
                cells.errors.append(error)
            for each in cells.errors:
                yield DecodeError(f"line {row.line}, {each.field}", each.value, each.rule)

        told, sound = defaultdict[str, set[str]](set), True
        for item in read_rows(rows(message.body, {**COMMON, **kind.columns}, ("name",)), read):
            sound &= not isinstance(item, DecodeError)
            if isinstance(item, Model):
                told[_prefix(item.id)].add(item.id)
            yield item
        if whole and sound:
            for prefix, ids in told.items():
                yield Whole(kind.model.TYPE, prefix, frozenset(ids))

    return decode


def _prefix(entity_id: str) -> str:
    """`urn:ngsi-ld:{Type}:{source}:`, what all of one municipality's list have in common."""
    return ":".join(entity_id.split(":")[:4]) + ":"


def dataset_of(message: Message) -> Dataset:
    """By the file's name, else by a column only one data set has. Raises DecodeError when neither tells."""
    for each in DATASETS:
        if re.search(rf"(?<![a-z]){each.name}(?![a-z])", message.topic):
            return each
    header = "".join(text_of(message.body)[:4096].split())  # names may be broken into lines
    for each in DATASETS:
        if any(mark in header for mark in each.marks):
            return each
    raise DecodeError("file name", message.topic, f"names none of {', '.join(BY_NAME)}, and the columns tell none")


def _entity(kind: Dataset, told: Mapping[str, str], cells: Cells, municipality: str, seen: set[str]) -> Model:
    told = {name: "" if (text := cell.strip()) in MISSING else text for name, cell in told.items()}
    if not told["name"]:
        raise DecodeError("名称", "", "is missing")
    code = _code(told)
    if code in seen:
        raise DecodeError("ID", code, "stands in the file twice")
    seen.add(code)
    place = cells.attempt(lambda: position(told.get("latitude", ""), told.get("longitude", "")))
    source = f"{told.get('municipality') or municipality}-{kind.name}".strip("-")
    common: dict[str, Any] = {
        "id": urn(kind.model.TYPE, source, code),
        "name": told["name"],
        "name_kana": told.get("name_kana") or None,
        "name_en": told.get("name_en") or None,
        "location": place,
        "address": _address(told) or None,
        "contact_point": _contact(told) or None,
        "owner_name": told.get("operator") or None,
        "page": told.get("page") or None,
    }
    return kind.model(**common, **READERS[kind.model](kind, told, cells))


def _code(told: Mapping[str, str]) -> str:
    """The row's own number, else one made of what it says; nothing else stays the same from file to file."""
    if number := told.get("number"):
        return number
    return hashlib.sha256(f"{told['name']}|{told.get('address', '')}".encode()).hexdigest()[:16]


def _address(told: Mapping[str, str]) -> dict[str, str]:
    street = told.get("address") or "".join(told.get(part, "") for part in ("town", "block"))
    street = " ".join(filter(None, (street, told.get("building", ""))))
    parts = {name: told.get(column, "") for column, name in ADDRESS.items()} | {"streetAddress": street}
    return {name: text for name, text in parts.items() if text}


def _contact(told: Mapping[str, str]) -> dict[str, str]:
    telephone = told.get("telephone", "")
    if telephone and told.get("extension"):
        telephone = f"{telephone} 内線{told['extension']}"
    return {name: text for name, text in (("telephone", telephone), ("email", told.get("email", ""))) if text}


def _hours(told: Mapping[str, str]) -> str | None:
    """As the source writes it: no calendar can be made of it."""
    span = "-".join(filter(None, (told.get("opens", ""), told.get("closes", ""))))
    return " ".join(filter(None, (told.get("days", ""), span, told.get("remarks", "")))) or None


def _flag(column: str, text: str) -> bool | None:
    if not text:
        return None
    if text not in YES | NO:
        raise DecodeError(column, text, "says neither yes (有, 1, ○) nor no (無, 0, ×)")
    return text in YES


def _people(told: Mapping[str, str], cells: Cells) -> float | None:
    text = told.get("capacity", "").removesuffix("人").removesuffix("名").replace(",", "")
    return cells.attempt(lambda: number("収容人数", text, PEOPLE)) if text else None


def _point(kind: Dataset, told: Mapping[str, str], cells: Cells) -> dict[str, Any]:
    hazards = []
    for hazard, columns in HAZARDS.items():
        if cells.attempt(lambda c=columns[0], h=hazard: _flag(c, told.get(f"hazard_{h}", ""))):  # type: ignore[misc]
            hazards.append(hazard)
    return {
        "category": (kind.category,),
        "description": told.get("description") or None,
        "opening_hours": _hours(told),
        "capacity": _people(told, cells),
        "hazards": tuple(hazards) or None,
        "installation_place": told.get("installation_place") or None,
        "child_pads": cells.attempt(lambda: _flag("小児対応設備の有無", told.get("child_pads", ""))),
    }


def _wifi(kind: Dataset, told: Mapping[str, str], cells: Cells) -> dict[str, Any]:
    names = told.get("ssid", "").replace("、", ";").replace("\n", ";").split(";")
    return {
        "ssid": tuple(name.strip() for name in names if name.strip()) or None,
        "coverage": told.get("coverage") or None,
    }


def _destination(kind: Dataset, told: Mapping[str, str], cells: Cells) -> dict[str, Any]:
    return {
        "description": told.get("description") or None,
        "opening_hours": _hours(told),
        "price": told.get("price") or None,
        "access": told.get("access") or None,
    }


def _event(kind: Dataset, told: Mapping[str, str], cells: Cells) -> dict[str, Any]:
    if not told.get("start_date"):
        raise DecodeError("開始日", "", "is missing")
    start = _at("開始日", told["start_date"], told.get("opens", ""))
    end = (
        cells.attempt(lambda: _at("終了日", told["end_date"], told.get("closes", ""))) if told.get("end_date") else None
    )
    if end is not None and end < start:
        if end < local("開始日", told["start_date"]):
            cells.errors.append(DecodeError("終了日", told["end_date"], "lies before the start"))
        end = None  # else it ends on the day it begins, nobody knows when
    return {
        "description": told.get("description") or None,
        "place_name": told.get("place") or None,
        "start": start,
        "end": end,
        "hours": _hours(told),
        "price": told.get("price") or None,
        "free": cells.attempt(lambda: _flag("参加費無料", told.get("free", ""))),
        "capacity": _people(told, cells),
        "access": told.get("access") or None,
    }


def _at(column: str, day: str, clock: str) -> datetime:
    """A day, at its time of the clock where one is told (終日 is none, nor is 随時). Raises DecodeError."""
    start = local(column, day)
    try:
        return local(column, f"{day} {clock}") if clock else start
    except DecodeError:
        return start


READERS = {
    PointOfInterest: _point,
    WifiPointOfInterest: _wifi,
    TouristDestination: _destination,
    Event: _event,
}
