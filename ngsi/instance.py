"""One attribute instance in its inner form, and the NGSI-LD null, which deletes (GS CIM 009, 4.5, 5.5.4).

Inner form: a plain dict with the standard's short member names (`type`, `value`, `observedAt`...); sub-attributes
stand beside them under their expanded IRI, each as a list of instances. A key with a colon is thus always an
attribute, a key without one always a member.
"""

from itertools import chain
from typing import Any, Final

from ngsi.terms import ATTRIBUTE_MEMBERS, DEFAULT_DATASET, KINDS, NULL

Instance = dict[str, Any]
Attributes = dict[str, list[Instance]]

_PLAIN: Final = ATTRIBUTE_MEMBERS - {"languageMap"}  # members of which only the null itself is one
LANGUAGE_NULL: Final = {DEFAULT_DATASET: NULL}
REMOVABLE: Final = frozenset({"observedAt", "expiresAt", "unitCode", "objectType", "valueType"})
_NULLS: Final[dict[str, Any]] = {
    "LanguageProperty": LANGUAGE_NULL,
    "ListProperty": [NULL],
    "ListRelationship": [{"object": NULL}],
}


def dataset(instance: Instance) -> str | None:
    return instance.get("datasetId")


def is_null(instance: Instance) -> bool:
    """True for the NGSI-LD null, which deletes (4.5.0)."""
    bearer = instance[KINDS[instance["type"]].bearer]
    return bool(bearer == NULL or (instance["type"] == "LanguageProperty" and bearer == LANGUAGE_NULL))


def null_of(kind: str) -> Any:
    """The NGSI-LD null as the value of a deleted attribute of type `kind` (4.5.0, 4.5.18, 4.5.21, 4.5.22)."""
    return _NULLS.get(kind, NULL)


def null_in(attributes: Attributes) -> str | None:
    """The IRI or the member that the NGSI-LD null would delete, at any depth; None when there is no such null."""
    every = [*chain.from_iterable(attributes.values())]
    if _PLAIN.issuperset(chain.from_iterable(every)) and NULL not in chain.from_iterable(map(dict.values, every)):
        return None  # told at once of most
    for iri, instances in attributes.items():
        for instance in instances:
            if NULL in instance.values() or instance.get("languageMap") == LANGUAGE_NULL:
                return next((member for member in instance.keys() & REMOVABLE if instance[member] == NULL), iri)
            if not ATTRIBUTE_MEMBERS.issuperset(instance):  # a few have sub-attributes
                found = null_in({member: content for member, content in instance.items() if ":" in member})
                if found is not None:
                    return found
    return None


def without_nulls(instance: Instance) -> Instance:
    """`instance` without the members and sub-attributes that the NGSI-LD null deletes."""
    result: Instance = {}
    for key, value in instance.items():
        if ":" not in key:
            if value != NULL:
                result[key] = value
            continue
        kept = [without_nulls(item) for item in value if not is_null(item)]
        if kept:
            result[key] = kept
    return result
