"""What a personal decoder is given instead of a bare network of names: pseudonyms, its profile, the ledger."""

from collections.abc import Callable
from dataclasses import dataclass, field

from adapters.privacy.opt_out import OptOut
from adapters.privacy.profile import Profile
from adapters.privacy.store import PrivacyStore


@dataclass(frozen=True, slots=True)
class Privacy:
    """Called, it is the day's pseudonym of an identifier. `source` keeps the sources apart in the store.

    What `opt_out` has must not be read any further.
    """

    pseudonym: Callable[[str], str]
    source: str = "source"
    profile: Profile = field(default_factory=Profile)
    store: PrivacyStore = field(default_factory=PrivacyStore)
    opt_out: OptOut = field(default_factory=OptOut)

    def __call__(self, identifier: str) -> str:
        return self.pseudonym(identifier)
