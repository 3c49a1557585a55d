"""What performers of effects work with, and how a service makes them."""

from collections.abc import Callable
from dataclasses import dataclass

from rapport_chassis.settings import Mail
from rapport_events.database import Pool
from rapport_events.effects import Performer
from rapport_events.keyring import Keyring


@dataclass(frozen=True, slots=True)
class Outside:
    """The way out of a service, as the role `effects` knows it."""

    pool: Pool
    """As keeper."""
    keyring: Keyring
    mail: Mail


MakePerformer = Callable[[Outside], Performer | None]
"""Makes a performer; None where nobody has said what it needs, so that its effects wait."""
