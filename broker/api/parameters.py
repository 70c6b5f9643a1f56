"""Every query parameter of the API: one row each, read by the check of a request and by the OpenAPI document."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import parse_qsl

from ngsi.errors import BadRequestData, InvalidRequest, shown

Kind = Literal["string", "boolean", "integer", "sequence"]

_DIGITS: Final[Mapping[str, int]] = {"integer": 9, "sequence": 18}  # a sequence counts every change there ever was


@dataclass(frozen=True, slots=True)
class Parameter:
    """One query parameter: its kind, what it says, and its values when they can be listed."""

    name: str
    meaning: str
    kind: Kind = "string"
    values: tuple[str, ...] = ()


_ROWS: Final = (
    Parameter("after", "what comes after this number", "sequence"),
    Parameter("asOf", "the instant whose state is asked for (ours)"),
    Parameter("attrs", "attribute names, separated by commas"),
    Parameter("bom", "begin a CSV file with a byte order mark, for spreadsheets (ours)", "boolean"),
    Parameter("collation", "how strings are ordered: root, or a language tag"),
    Parameter("containedBy", "entities that hold the ones asked for, and are not linked again"),
    Parameter("coordinates", "coordinates of the geometry, as JSON"),
    Parameter("core", "version of the core @context to add, such as 1.9"),
    Parameter("count", "tell the number of all results in NGSILD-Results-Count", "boolean"),
    Parameter("csf", "filter on context source properties"),
    Parameter("datasetId", "datasetIds, separated by commas; @none is the default instance"),
    Parameter("deleteAll", "all instances, whatever their datasetId", "boolean"),
    Parameter("details", "more than the names", "boolean"),
    Parameter("drop", "attribute names to remove, separated by commas"),
    Parameter("endTimeAt", "end of the time between"),
    Parameter("entityMap", "make an entity map", "boolean"),
    Parameter("entityMapLifetime", "how long the entity map is to be kept (ISO 8601)"),
    Parameter("expandValues", "attributes whose values in q are names to expand"),
    Parameter("format", "representation of the answer"),
    Parameter("geometry", "geometry type"),
    Parameter("geometryProperty", "GeoProperty that is the geometry of a GeoJSON Feature"),
    Parameter("geoproperty", "GeoProperty that georel looks at"),
    Parameter("georel", "near;maxDistance==x, near;minDistance==x, within, contains, intersects, ..."),
    Parameter("id", "ids, separated by commas"),
    Parameter("idPattern", "regular expression that the id matches"),
    Parameter("join", "how linked entities are shown", values=("flat", "inline", "@none")),
    Parameter("joinLevel", "how many links are followed", "integer"),
    Parameter("jsonKeys", "attributes whose values hold names that q must not expand"),
    Parameter("jsonldContext", "URL of the @context, where a header cannot tell"),
    Parameter("keep", "attribute names to keep, separated by commas"),
    Parameter("kind", "kind of @context", values=("Hosted", "Cached", "ImplicitlyCreated")),
    Parameter("lang", "languages, as in Accept-Language"),
    Parameter("lastN", "the newest n instances of each attribute", "integer"),
    Parameter("lastEventId", "go on after this event", "sequence"),
    Parameter("limit", "most results in one answer", "integer"),
    Parameter("local", "ask no context source", "boolean"),
    Parameter("observedAt", "time to stamp attributes with"),
    Parameter("offset", "results to pass over", "integer"),
    Parameter("omit", "members to leave out"),
    Parameter("options", "options, separated by commas"),
    Parameter("orderBy", "what results are ordered by"),
    Parameter("orderFrom", "coordinates that distance is measured from, as JSON"),
    Parameter("orderGeometry", "geometry type of orderFrom"),
    Parameter("pick", "members to show"),
    Parameter("q", "query on attribute values (4.9)"),
    Parameter("reload", "fetch the @context again", "boolean"),
    Parameter("scopeQ", "query on scopes (4.19)"),
    Parameter("source", "source of quarantined messages"),
    Parameter("sysAttrs", "show createdAt, modifiedAt, ...", "boolean"),
    Parameter("splitEntities", "entities may be split over context sources", "boolean"),
    Parameter("tenant", "tenant whose @context it is, where a header cannot tell"),
    Parameter("timeAt", "a time"),
    Parameter("timeproperty", "which time", values=("observedAt", "createdAt", "modifiedAt", "deletedAt")),
    Parameter("timerel", "relation to timeAt", values=("before", "after", "between")),
    Parameter("aggrMethods", "aggregation methods, separated by commas"),
    Parameter("aggrPeriodDuration", "length of the aggregated periods (ISO 8601)"),
    Parameter("aggrTimezone", "time zone whose calendar the periods follow, such as Asia/Tokyo (ours)"),
    Parameter("type", "type selection (4.17)"),
)
PARAMETERS: Final[Mapping[str, Parameter]] = {row.name: row for row in _ROWS}

# what several operations share
PAGE: Final = frozenset({"limit", "offset", "count"})
GEO: Final = frozenset({"georel", "geometry", "coordinates", "geoproperty"})
FILTER: Final = GEO | {"id", "type", "idPattern", "q", "scopeQ", "csf", "expandValues", "jsonKeys"}
ORDER: Final = frozenset({"orderBy", "orderFrom", "orderGeometry", "collation"})
PROJECTION: Final = frozenset({"attrs", "pick", "omit", "lang", "datasetId", "geometryProperty"})
REPRESENTATION: Final = frozenset({"format", "options", "sysAttrs"})
JOIN: Final = frozenset({"join", "joinLevel", "containedBy"})
ENTITY_MAP: Final = frozenset({"entityMap", "entityMapLifetime", "splitEntities"})
TEMPORAL: Final = frozenset(
    {"timerel", "timeAt", "endTimeAt", "timeproperty", "lastN", "aggrMethods", "aggrPeriodDuration", "aggrTimezone"}
)

_NOTHING: Final[Mapping[str, str]] = {}


def parse(query_string: bytes, allowed: Collection[str]) -> Mapping[str, str]:
    """The parameters of a query string.

    Raises InvalidRequest for an unknown or repeated one (6.3.20), BadRequestData for an empty one or a value that its
    kind does not have.
    """
    if not query_string:
        return _NOTHING
    pairs = parse_qsl(query_string.decode("utf-8", "replace"), keep_blank_values=True)
    given: dict[str, str] = {}
    for name, value in pairs:
        if name not in allowed:
            raise InvalidRequest(
                f"{shown(name)}: unknown query parameter; this operation takes {', '.join(sorted(allowed)) or 'none'}"
            )
        if name in given:
            raise InvalidRequest(f"{name}: the parameter is given twice")
        _check(PARAMETERS[name], value)
        given[name] = value
    return _with_count(given) if "count" in allowed and "options" in given else given


def largest(parameter: Parameter) -> int:
    """The largest value of a whole number."""
    return int(10 ** _DIGITS[parameter.kind] - 1)


def _with_count(given: dict[str, str]) -> dict[str, str]:
    """`options=count` is how version 1.1 asked for the count, and clients still do."""
    chosen = [item.strip() for item in given["options"].split(",")]
    if "count" not in chosen:
        return given
    rest = {"options": ",".join(item for item in chosen if item != "count")}
    return {name: value for name, value in (given | rest).items() if value} | {"count": given.get("count", "true")}


def _check(parameter: Parameter, value: str) -> None:
    if not value:
        raise BadRequestData(f"{parameter.name}: the parameter is empty")
    if "\0" in value or "\ufffd" in value:
        raise BadRequestData(f"{parameter.name}: {shown(value)} is not percent-encoded UTF-8 text")
    if parameter.kind == "boolean" and value not in ("true", "false"):
        raise BadRequestData(f"{parameter.name}: {shown(value)} is neither true nor false")
    digits = _DIGITS.get(parameter.kind)
    if digits and not (value.isascii() and value.isdecimal() and len(value) <= digits):
        raise BadRequestData(f"{parameter.name}: {shown(value)} is not a whole number from 0 to {largest(parameter)}")
    if parameter.values and value not in parameter.values:
        raise BadRequestData(f"{parameter.name}: {shown(value)} is not one of {', '.join(parameter.values)}")
