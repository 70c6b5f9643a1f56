"""The JSON of entities that were shown, kept until they change: most of what is asked for was asked for before."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from itertools import count
from typing import Final

from broker.store.entities import Version

_FORMS: Final = 1000  # ways of showing entities that are told apart
_OVERHEAD: Final = 500  # bytes that a text's key and place cost


class Renderings:
    """JSON texts of `room` bytes in all, the oldest of which make room for new ones."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._held = 0
        self._forms: dict[Hashable, int] = {}
        self._numbers = count()
        self._texts: OrderedDict[tuple[int, Version], bytes] = OrderedDict()

    def shelf(self, *how: Hashable) -> "Shelf | None":
        """The texts of one way of showing entities: tenant, @context, representation... None without any room."""
        if not self._room:
            return None
        form = self._forms.get(how)
        if form is None:
            if len(self._forms) >= _FORMS:
                self._forms.clear()
            form = self._forms[how] = next(self._numbers)
        return Shelf(self, form)

    def get(self, form: int, version: Version) -> bytes | None:
        return self._texts.get((form, version))

    def keep(self, form: int, version: Version, text: bytes) -> None:
        if (form, version) in self._texts:
            return
        self._texts[form, version] = text
        self._held += len(text) + _OVERHEAD
        while self._held > self._room:
            _, oldest = self._texts.popitem(last=False)
            self._held -= len(oldest) + _OVERHEAD


@dataclass(frozen=True, slots=True)
class Shelf:
    """The texts of one form."""

    renderings: Renderings
    form: int

    def get(self, version: Version) -> bytes | None:
        return self.renderings.get(self.form, version)

    def keep(self, version: Version, text: bytes) -> None:
        self.renderings.keep(self.form, version, text)
