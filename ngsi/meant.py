"""What an object of a merge that says no type is about: members of an attribute, its sub-attributes, or its value
(GS CIM 009, 4.5.2.3, 4.5.3.3, 5.5.12)."""

from typing import Any, Final

from ngsi.attribute import is_instance
from ngsi.instance import Instance
from ngsi.jsonld import Context
from ngsi.terms import COMMON_MEMBERS, KINDS, SYSTEM_MEMBERS, TYPED_MEMBERS

KNOWN_MEMBERS: Final = COMMON_MEMBERS | TYPED_MEMBERS
_OF_GEOMETRIES: Final = frozenset({"coordinates", "geometries", "bbox"})
_NEVER_OBJECTS: Final = frozenset({"Relationship", "ListRelationship", "VocabProperty", "ListProperty"})


def speaks_of_members(value: dict[str, Any]) -> bool:
    """True when `value` is an instance, or names members that only instances have."""
    return is_instance(value) or (not _says_type(value) and not KNOWN_MEMBERS.isdisjoint(value))


def speaks_of_sub_attributes(old: Instance, value: dict[str, Any], context: Context) -> bool:
    """True when `value` is about sub-attributes of `old`, not its value: it can be no such value, it says nothing but
    what the system writes, or it names what the value lacks and a sub-attribute is or says to be."""
    if _says_type(value):
        return False
    content = old[KINDS[old["type"]].bearer]
    known = content.keys() if isinstance(content, dict) else ()
    strange = {member: item for member, item in value.items() if member not in known}
    if strange and (SYSTEM_MEMBERS.issuperset(value) or not _may_be_value(old["type"], strange)):
        return True
    return any(
        context.expand(member) in old or (is_instance(item) and "type" in item) for member, item in strange.items()
    )


def _may_be_value(kind: str, members: dict[str, Any]) -> bool:
    """Whether the value of a `kind` may be an object with these members."""
    if kind == "GeoProperty":
        return _OF_GEOMETRIES.issuperset(members)
    if kind == "LanguageProperty":
        return not any(isinstance(item, dict) for item in members.values())
    return kind not in _NEVER_OBJECTS


def _says_type(value: dict[str, Any]) -> bool:
    return "type" in value or "@type" in value
