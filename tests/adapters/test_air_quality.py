"""Provisional and confirmed values of one hour are one reading, so that the history keeps the confirmed one."""

from datetime import UTC, datetime

from adapters.contract import DecodeError, Message
from adapters.privacy.guard import Privacy
from models import Model
from tests.adapters.cases import adapter_of

RECEIVED_AT = datetime(2026, 11, 21, tzinfo=UTC)
HOURS = ",".join(f"{hour:02}h" for hour in range(1, 25))


def decoded(body: str, topic: str) -> list[Model]:
    adapter = adapter_of("air_quality")
    found = list(adapter.decoder(adapter.settings(), Privacy(str))(Message(body.encode(), RECEIVED_AT, topic)))
    assert not [item for item in found if isinstance(item, DecodeError)]
    return [item for item in found if isinstance(item, Model)]


def test_a_confirmed_hour_takes_the_place_of_the_provisional_one() -> None:
    (first,) = decoded("測定局コード,都道府県コード,SO2\n17201090,17,0.009\n", "2024010112.csv")
    cells = ",".join("1" if hour == 12 else "9999" for hour in range(1, 25))
    header = f"測定年度,測定局コード,市町村コード,測定項目コード,測定単位コード,測定月,測定日,{HOURS}"
    (second,) = decoded(f"{header}\n2023,17201090,201,SO2 ,PPB   ,1,1,{cells}\n", "nies.csv")
    assert (first.id, first.observed_at) == (second.id, second.observed_at)
    provisional, confirmed = first.to_ngsi()["so2"], second.to_ngsi()["so2"]
    assert (provisional["value"], provisional["dataStatus"]["value"]) == (0.009, "provisional")
    assert (confirmed["value"], confirmed["dataStatus"]["value"]) == (0.001, "confirmed")
