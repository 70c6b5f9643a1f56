"""What rows of the table share."""

from typing import Final

from broker.api.parameters import JOIN, PROJECTION, REPRESENTATION

V1: Final = "/ngsi-ld/v1"
LOCAL: Final = frozenset({"local"})
TYPED: Final = frozenset({"local", "type"})

TRAVEL: Final = frozenset({"asOf"})
SHOWN: Final = PROJECTION | REPRESENTATION | JOIN | LOCAL
FORMS: Final = ("normalized", "concise", "simplified", "keyValues")
SHOWN_CHOICES: Final = {"format": FORMS, "options": (*FORMS, "sysAttrs")}
TEMPORAL_FORMS: Final = ("normalized", "concise", "temporalValues", "simplified", "keyValues", "aggregatedValues")
TEMPORAL_CHOICES: Final = {"format": TEMPORAL_FORMS, "options": (*TEMPORAL_FORMS, "sysAttrs")}
MERGE: Final = frozenset({"options", "format", "observedAt", "lang"})
MERGE_CHOICES: Final = {"format": FORMS, "options": FORMS}
CREATED: Final = {201: None}
DONE: Final = {204: None, 207: "BatchOperationResult"}
PARTLY: Final = {204: None, 207: "UpdateResult"}
WRITE_ERRORS: Final = (400, 404, 409, 504)
