"""What all sources share, made from the settings."""

from adapters.privacy.opt_out import OptOut
from adapters.privacy.store import PrivacyStore
from adapters.pseudonym import DayKey
from adapters.quality.score import Scores
from adapters.settings import AdapterSettings
from adapters.transports import Surroundings
from adapters.transports.webhook import WebhookServer


def surroundings(settings: AdapterSettings) -> Surroundings:
    """Opens the files in `settings.data`; nothing listens yet."""
    data = settings.data
    keys, store = DayKey(data / "pseudonym.key"), PrivacyStore(data / "privacy.db")
    return Surroundings(
        settings.mqtt_url, data, WebhookServer(), keys, store, Scores(data / "quality.json"), OptOut(data)
    )
