"""What is public of where bikes ride: how many in each square and hour, and from square to square."""

from datetime import UTC, datetime

from adapters.privacy.mesh import centre
from adapters.privacy.store import Publication
from models import WITHHELD, Model, OriginDestinationFlow, TrafficFlowObserved, urn


def model(system: str, each: Publication) -> Model:
    """The entity of a published cell; codes are those of JIS X 0410."""
    start, end = datetime.fromtimestamp(each.start, UTC), datetime.fromtimestamp(each.finish, UTC)
    if not each.destination:
        return TrafficFlowObserved(
            id=urn("TrafficFlowObserved", system, each.cell),
            observed_at=end,
            vehicle_type="bicycle",
            mesh_code=each.cell,
            location=centre(each.cell),
            date_observed_from=start,
            date_observed_to=end,
            intensity=WITHHELD if each.value is None else each.value,
            suppressed=each.value is None,
            minimum_count=each.k,
        )
    end += end - start
    return OriginDestinationFlow(
        id=urn("OriginDestinationFlow", system, f"{each.cell}:{each.destination}"),
        observed_at=end,
        origin_location_code=each.cell,
        destination_location_code=each.destination,
        origin_location=centre(each.cell),
        destination_location=centre(each.destination),
        flow_type="bicycle",
        date_observed_from=start,
        date_observed_to=end,
        flow_count=each.value,
        minimum_count=each.k,
    )
