"""Attributes as parameters and members of requests name them (GS CIM 009, 4.6.2)."""

from ngsi.errors import BadRequestData
from ngsi.jsonld import Context


def attribute_in(field: str, name: str, context: Context) -> str:
    """The IRI of attribute `name`, which stands in `field`. Raises BadRequestData, which names the field."""
    try:
        return context.attribute(name)
    except BadRequestData as error:
        raise BadRequestData(f"{field}: {error.detail}") from None
