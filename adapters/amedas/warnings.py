"""Warnings of the agency's web site (bosai/warning/data/warning/170000.json) to WeatherAlert (formats document b.3).

    {reportDatetime, areaTypes: [{areas: [{code, warnings: [{code, status}]}]}]}

The status is 発表, 継続 or 解除, or says from what it was brought down; without any warning, it stands alone. One
entity per area and warning; what was lifted says so and ends.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from adapters.codecs.instants import moment
from adapters.codecs.jst import plausible
from adapters.contract import DecodeError, Message
from models import WITHHELD, Model, WeatherAlert, urn

SOURCE = "https://www.jma.go.jp/bosai/warning/"
LIFTED = "解除"
STATUS = {"発表": "issued", "継続": "continued", LIFTED: "lifted"}


class Warned(NamedTuple):
    """Of what a code warns: its name, and the word of Smart Data Models for it."""

    name: str
    sub_category: str | None


# the level of alert of each kind of warning (2, 3, 5) in the words of Smart Data Models
SEVERITY = (("特別警報", "critical"), ("警報", "medium"), ("注意報", "low"))
WARNINGS = {
    code: Warned(name, category)
    for category, names in (
        ("rainfall", {"33": "大雨特別警報", "03": "大雨警報", "10": "大雨注意報"}),
        ("flood", {"04": "洪水警報", "18": "洪水注意報", "17": "融雪注意報"}),
        ("thunderstorms", {"14": "雷注意報"}),
        ("wind", {"35": "暴風特別警報", "05": "暴風警報", "15": "強風注意報"}),
        (
            "snow",
            {
                "32": "暴風雪特別警報",
                "02": "暴風雪警報",
                "13": "風雪注意報",
                "36": "大雪特別警報",
                "06": "大雪警報",
                "12": "大雪注意報",
            },
        ),
        (
            "coastalEvent",
            {
                "37": "波浪特別警報",
                "07": "波浪警報",
                "16": "波浪注意報",
                "38": "高潮特別警報",
                "08": "高潮警報",
                "19": "高潮注意報",
            },
        ),
        ("fog", {"20": "濃霧注意報"}),
        ("forestFire", {"21": "乾燥注意報"}),
        ("avalanches", {"22": "なだれ注意報"}),
        ("lowTemperature", {"23": "低温注意報", "24": "霜注意報"}),
        ("ice", {"25": "着氷注意報"}),
        ("snow_ice", {"26": "着雪注意報"}),
        (None, {"27": "その他の注意報"}),
    )
    for code, name in names.items()
}


def is_warnings(page: Mapping[str, Any]) -> bool:
    return "areaTypes" in page and "reportDatetime" in page


def warnings(page: Mapping[str, Any], message: Message, areas: tuple[str, ...]) -> Iterator[Model | DecodeError]:
    """The warnings of those areas whose code begins with one of `areas`. Raises DecodeError without a time."""
    at = plausible("reportDatetime", moment("reportDatetime", page["reportDatetime"]), message.received_at)
    for area in _objects(page, "areaTypes", "areas"):
        code = str(area.get("code", ""))
        if not code.startswith(areas):
            continue
        for told in _objects(area, "warnings"):
            if "code" not in told:
                continue  # there is no warning
            try:
                yield _alert(code, told, at)
            except DecodeError as error:
                alone = {**page, "areaTypes": [{"areas": [{"code": code, "warnings": [told]}]}]}
                yield error.of_row(orjson.dumps(alone))


def _alert(area: str, told: Mapping[str, Any], at: datetime) -> WeatherAlert:
    code = str(told["code"]).zfill(2)
    if (warned := WARNINGS.get(code)) is None:
        raise DecodeError("code", told["code"], "is no warning known")
    status = str(told.get("status", ""))
    return WeatherAlert(
        id=urn("WeatherAlert", "jma", f"{area}-{code}"),
        observed_at=at,
        name=warned.name,
        category="weather",
        sub_category=warned.sub_category,
        severity=next(word for kind, word in SEVERITY if kind in warned.name),
        alert_source=SOURCE,
        area_served=area,
        alert_status=STATUS.get(status, "issued"),  # 警報から注意報 and the like: this one is issued in its place
        valid_to=at if status == LIFTED else WITHHELD,
    )


def _objects(page: Mapping[str, Any], *names: str) -> Iterator[Mapping[str, Any]]:
    """The objects in a list, or in lists of lists."""
    for each in page.get(names[0]) or ():
        if isinstance(each, dict):
            yield from _objects(each, *names[1:]) if names[1:] else (each,)
