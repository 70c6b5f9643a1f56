"""The layouts a device table may name. None is standard: the layout belongs to the customer who had it made.

clip, sony_ascii, bitpacked    16 bytes of ELTRES, see eltres.py
bytes                          the `fields` of the table say which bytes are what
decoded                        what the network server's codec made of the payload
cayennelpp                     Cayenne LPP; decoded here, or by the network server already
"""

from collections.abc import Callable

from adapters.codecs.lpwa import cayenne, eltres
from adapters.codecs.lpwa.decoded import read_decoded
from adapters.codecs.lpwa.fields import Field, of_bytes
from adapters.codecs.lpwa.uplink import Reading, Uplink
from adapters.contract import DecodeError

Read = Callable[[Uplink], Reading]
Layout = Callable[[tuple[Field, ...]], Read]


def _frame(layout: str) -> Layout:
    decode = eltres.LAYOUTS[layout]

    def bind(fields: tuple[Field, ...]) -> Read:
        def read(uplink: Uplink) -> Reading:
            eltres.sixteen(uplink.payload)
            # A type byte that is not established may still have been read by the service it comes from.
            if uplink.decoded and layout == "clip" and uplink.payload[0] not in eltres.CLIP_TYPES:
                return read_decoded(fields, uplink.decoded)
            reading = decode(uplink.payload)
            if uplink.decoded and layout == "clip" and uplink.payload[0] in eltres.HALF_KNOWN:
                more = read_decoded(fields, uplink.decoded)
                return more._replace(quantities={**more.quantities, **reading.quantities}, loose=True)
            return reading

        return read

    return bind


def _bytes(fields: tuple[Field, ...]) -> Read:
    if not fields:
        raise DecodeError("fields", "", "must say which bytes are what")
    values = of_bytes(fields)
    return lambda uplink: Reading(values(uplink.payload))


def _decoded(fields: tuple[Field, ...]) -> Read:
    def read(uplink: Uplink) -> Reading:
        if uplink.decoded is None:
            raise DecodeError("decoded payload", uplink.payload.hex(), "is missing: the network decodes nothing")
        return read_decoded(fields, uplink.decoded)

    return read


def _cayenne(fields: tuple[Field, ...]) -> Read:
    return lambda uplink: read_decoded(fields, cayenne.members(uplink.payload))


LAYOUTS: dict[str, Layout] = {
    **{layout: _frame(layout) for layout in eltres.LAYOUTS},
    "bytes": _bytes,
    "decoded": _decoded,
    "cayennelpp": _cayenne,
}
