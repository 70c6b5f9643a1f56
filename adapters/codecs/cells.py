"""The measured cells of a row: the good ones are kept, a bad one is reported and condemns nothing but itself."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from adapters.codecs.number import MISSING, Range, number
from adapters.contract import DecodeError

T = TypeVar("T")


class Quantity(NamedTuple):
    """One measured column: what an instrument can report, and how many of its units make one of the model's."""

    allowed: Range
    scale: float = 1


class Cells:
    """Reads cell after cell and remembers the errors instead of raising them."""

    def __init__(self) -> None:
        self.errors: list[DecodeError] = []

    def quantities(
        self, cells: Mapping[str, str], table: Mapping[str, Quantity], missing: frozenset[str] = MISSING
    ) -> dict[str, Any]:
        """The good ones among the cells named by `table`, under the same names, in the model's unit."""
        found: dict[str, float] = {}
        for name, (allowed, scale) in table.items():
            text = cells.get(name)
            if not text:
                continue
            try:
                value = number(name, text, allowed, missing)
            except DecodeError as error:
                self.errors.append(error)
                continue
            if value is not None:
                found[name] = value if scale == 1 else round(value / scale, 8)
        return found

    def attempt(self, read: Callable[[], T]) -> T | None:
        """What `read` gives; None when it raises DecodeError, which is kept."""
        try:
            return read()
        except DecodeError as error:
            self.errors.append(error)
            return None
