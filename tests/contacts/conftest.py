"""The contacts service for each test."""

from collections.abc import AsyncIterator

import pytest

from rapport_contacts.app import service
from tests.conftest import MakeServiceDatabase
from tests.slices import Slices, open_slices


@pytest.fixture
async def contacts(make_service_database: MakeServiceDatabase) -> AsyncIterator[Slices]:
    """Bring contacts to life on a database of its own."""
    async with open_slices(service, await make_service_database("contacts")) as slices:
        yield slices
