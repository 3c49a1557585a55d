"""A gate for mail that is driven by hand: facts, workflow's own ones as they come back, and a catcher."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from rapport_chassis.outside import Outside
from rapport_chassis.settings import Mail
from rapport_console.catcher import Catcher, catching
from rapport_events.contracts.contacts import ConsentGranted, CustomerCreated, CustomerCreatedPii, Names
from rapport_events.contracts.interactions import CustomerPurchased
from rapport_events.effects import perform_once
from rapport_events.ids import CustomerId
from rapport_events.keyring import Erased
from rapport_events.testing import ANN, TENANT
from rapport_workflow.mail import MailPerformer
from tests.workflow.world import World

PURCHASE = UUID("01920000-0000-7000-8000-00000000011f")
WAIT = timedelta(days=3)
EMAIL = "ann@example.org"


@dataclass(slots=True)
class Gate:
    """The role `effects` of workflow, step by step."""

    world: World
    performer: MailPerformer
    catcher: Catcher

    async def perform(self) -> int:
        """Do what is due, and let follow what follows."""
        taken = await perform_once(self.world.keeper, {"mail": self.performer}, self.world.clock)
        await self.world.settle()
        return taken

    @property
    def message_ids(self) -> list[str]:
        """What was caught, the newest first."""
        return [mail.message_id for mail in self.catcher.mails]


async def know_ann(world: World, *, has_address: bool = True) -> None:
    """Let Ann become known, with an address that is sealed with her key."""
    key = (await world.keyring.seal_keys(TENANT, [CustomerId(ANN)]))[CustomerId(ANN)]
    assert not isinstance(key, Erased)
    pii = CustomerCreatedPii(names=Names(display="Ann Archer"), emails=(EMAIL,) if has_address else None)
    created = CustomerCreated(customer_id=CustomerId(ANN), kind="person", source="shop", pii=pii)
    await world.hear(created, stream=f"customer-{ANN}", key=key)
    granted = ConsentGranted(purpose="marketing", wording_version="1")
    await world.hear(granted, stream=f"customer-{ANN}")


async def decide_mail(world: World) -> None:
    """Let a first purchase be made, and the wait for its mail pass."""
    bought = CustomerPurchased(purchase_id=PURCHASE, total=Decimal(150), currency="EUR")
    await world.hear(bought, stream=f"purchase-{PURCHASE}")
    await world.pass_time(WAIT)


@asynccontextmanager
async def open_gate(world: World, port: int | None = None) -> AsyncGenerator[Gate]:
    """Open a gate whose mail goes to a catcher."""
    catcher = Catcher()
    async with catching(0, catcher) as caught_on:
        mail = Mail(smtp_host="127.0.0.1", smtp_port=port or caught_on, smtp_security="none")
        performer = MailPerformer(Outside(world.keeper, world.keyring, mail))
        yield Gate(world, performer, catcher)
