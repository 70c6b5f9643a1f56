"""The words of the standard: attribute kinds and members (GS CIM 009, 4.5 and 5.2)."""

from dataclasses import dataclass
from typing import Final

CORE: Final = "https://uri.etsi.org/ngsi-ld/"
DEFAULT_VOCAB: Final = "https://uri.etsi.org/ngsi-ld/default-context/"
CORE_CONTEXT: Final = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"
SCOPE: Final = CORE + "scope"
NULL: Final = "urn:ngsi-ld:null"
PROOF: Final = "ngsildproof"
DEFAULT_DATASET: Final = "@none"


@dataclass(frozen=True, slots=True)
class Kind:
    """One attribute type: its name, the member that bears the value, the other members it may have."""

    name: str
    bearer: str
    members: frozenset[str]


def _kind(name: str, bearer: str, *members: str) -> Kind:
    return Kind(name, bearer, frozenset({bearer, *members}))


KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        _kind("Property", "value", "unitCode", "valueType"),
        _kind("Relationship", "object", "objectType"),
        _kind("GeoProperty", "value"),
        _kind("LanguageProperty", "languageMap"),
        _kind("VocabProperty", "vocab"),
        _kind("ListProperty", "valueList", "unitCode", "valueType"),
        _kind("ListRelationship", "objectList", "objectType"),
        _kind("JsonProperty", "json"),
    )
}

# concise input: the value-bearing member tells the kind (`value` is a Property unless it is a geometry)
KIND_OF_BEARER: Final[dict[str, str]] = {
    kind.bearer: kind.name for kind in KINDS.values() if kind.name not in ("GeoProperty",)
}

SYSTEM_MEMBERS: Final = frozenset({"createdAt", "modifiedAt", "deletedAt", "instanceId"})
# read-only or derived members, accepted on input and dropped
IGNORED_MEMBERS: Final = SYSTEM_MEMBERS | {
    "previousValue",
    "previousObject",
    "previousLanguageMap",
    "previousVocab",
    "previousJson",
    "previousValueList",
    "previousObjectList",
    "entity",
    "entityList",
}
COMMON_MEMBERS: Final = frozenset({"type", "datasetId", "observedAt", "expiresAt"})
TYPED_MEMBERS: Final = frozenset().union(*(kind.members for kind in KINDS.values()))
# what a proof says of its entity, plain strings (4.5.2.2)
PROOF_MEMBERS: Final = frozenset({"entityIdSealed", "entityTypeSealed"})
ATTRIBUTE_MEMBERS: Final = COMMON_MEMBERS | TYPED_MEMBERS | IGNORED_MEMBERS
# terms that are no attributes; `value`, `json`... may be (the old Device model has an attribute called value)
RESERVED_NAMES: Final = (
    COMMON_MEMBERS | SYSTEM_MEMBERS | {"id", "scope", "@context", "unitCode", "valueType", "objectType"}
)
ENTITY_MEMBERS: Final = frozenset({"id", "type", "scope", "createdAt", "modifiedAt", "deletedAt", "expiresAt"})

GEO_NAMES: Final = frozenset(CORE + name for name in ("location", "observationSpace", "operationSpace"))
