"""What the methods of an aggregation are made of, as SQL over readings h and over roll-ups (GS CIM 009, 4.5.19)."""

from typing import Final

_DISTINCT: Final = (
    "count(distinct case when h.form in ('f', 'i') then '0' || h.number::text "
    "else h.form::text || coalesce(h.text, h.json::text, h.number::text) end)"
)
TEXTUAL: Final = frozenset({"min", "max"})
# strings, and typed values of time (4.6.3) after what orders them: their texts in UTC without Z, which goes after `.`
_TEXT: Final = (
    "(case when h.type = 0 then case h.form when 't' then array[h.text] when 'j' then "
    "case when h.json ->> '@type' in ('DateTime', 'Date', 'Time') and h.json ->> '@value' is not null then "
    "array[rtrim(translate(h.json ->> '@value', ',', '.'), 'Z'), h.json ->> '@value'] end end end)"
)
# the average of those typed values that are times of day, in seconds
TIME: Final = (
    "avg(case when h.json ->> '@type' = 'Time' and "
    r"h.json ->> '@value' ~ '^([01]\d|2[0-3]):[0-5]\d:[0-5]\d([.,]\d{1,6})?Z$' "
    "then extract(epoch from translate(h.json ->> '@value', ',Z', '.')::time) end) filter (where h.type = 0)"
)
# a product too small for a double is 0, which the database would rather refuse
_SQUARES: Final = "sum(case when abs(h.number) < 1.6e-162 then 0 else h.number * h.number end)"
_AWAY_SQUARED: Final = "case when abs(away) < 1.6e-162 then 0 else away ^ 2 end"
# of a period's row: the columns, made of readings and of roll-ups, and which methods need them
COLUMNS: Final[dict[str, tuple[str, str, frozenset[str]]]] = {
    "sum": ("sum(h.number)", "sum(sum)", frozenset({"sum", "avg"})),
    "squares": (_SQUARES, "sum(squares)", frozenset({"sumsq"})),
    "deviation": (
        "var_pop(h.number) * count(h.number)",
        f"sum(deviation + measured * {_AWAY_SQUARED})",
        frozenset({"stddev"}),
    ),
    "least": ("min(h.number)", "min(least)", frozenset({"min"})),
    "most": ("max(h.number)", "max(most)", frozenset({"max"})),
    "first_text": (f'min({_TEXT} collate "C")', "null::text[]", frozenset({"min"})),
    "last_text": (f'max({_TEXT} collate "C")', "null::text[]", frozenset({"max"})),
    "distinct_values": (_DISTINCT, "0", frozenset({"distinctCount"})),
}
OF_EDGES: Final = ("sum", "squares", "deviation", "least", "most")  # those that roll-ups hold
# what tells on which values a method can be applied: of readings, and which methods ask
TELLING: Final[dict[str, tuple[str, frozenset[str]]]] = {
    "arrays": ("count(*) filter (where h.form = 'a')", frozenset({"stddev", "sumsq"})),
    "texts": (f"count({_TEXT})", TEXTUAL),
}
