"""Municipal standard open data sets as CSV."""

from pydantic import Field, field_validator

from adapters.contract import Adapter, Decode, SourceSettings
from adapters.open_data.datasets import BY_NAME
from adapters.open_data.decode import decoder
from adapters.privacy.guard import Privacy


class OpenDataSettings(SourceSettings):
    """`dataset` names the data set when the files do not tell it; `municipality` stands in for a missing code.

    With `whole`, a file without a faulty row is the whole list: what it does not name any more is deleted.
    """

    dataset: str = ""
    whole: bool = False
    municipality: str = Field(default="", pattern=r"^[a-z0-9]*$")

    @field_validator("dataset")
    @classmethod
    def _known(cls, value: str) -> str:
        if value and value not in BY_NAME:
            raise ValueError(f"{value!r} is none of {', '.join(BY_NAME)}")
        return value


def _decoder(settings: OpenDataSettings, privacy: Privacy) -> Decode:
    return decoder(settings.dataset, settings.municipality, settings.whole)


ADAPTER = Adapter(name="open_data", transport="file", settings=OpenDataSettings, decoder=_decoder)
