"""Fixtures of the tests about events."""

from tests.events.keyrings import keyring_database, keyring_template, start_process
from tests.events.mirroring import place
from tests.events.postgres_desk import desk
from tests.events.servers import ledger_template, service

__all__ = ["desk", "keyring_database", "keyring_template", "ledger_template", "place", "service", "start_process"]
