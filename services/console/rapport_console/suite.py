"""The services as the console sees them: asked over HTTP with the visitor's token, each on its own."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import httpx

from rapport_console.session import Visitor

Json = dict[str, Any]
Parameter = str | int | list[str] | None

SERVICES: Final = ("contacts", "interactions", "workflow", "analytics")
ANSWER_SECONDS_MAX: Final = 5.0
COMMAND_SECONDS_MAX: Final = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said, or why it said nothing; a page shows either in the place of that service."""

    service: str
    found: Json | None = None
    trouble: str | None = None
    """A sentence for the reader of the page."""
    is_missing: bool = False

    @property
    def freshness(self) -> Json | None:
        """How current the answer is."""
        return self.found.get("freshness") if self.found else None


class Suite:
    """Asks services; one that is away takes nothing from the others."""

    def __init__(self, client: httpx.AsyncClient, addresses: Mapping[str, str]) -> None:
        self.client = client
        self.addresses = addresses

    async def ask(
        self, visitor: Visitor, service: str, path: str, **parameters: str | int | list[str] | None
    ) -> Answer:
        """
        Ask one service.

        Args:
            path: For example `/v1/customers`.
            parameters: Of the query; those that are None are left out.
        """
        query = {
            name: value if isinstance(value, list) else str(value)
            for name, value in parameters.items()
            if value is not None
        }
        try:
            response = await self.client.get(
                self.addresses[service] + path,
                params=query,
                headers={"Authorization": f"Bearer {visitor.token}"},
                timeout=ANSWER_SECONDS_MAX,
            )
        except httpx.HTTPError:
            return Answer(service, trouble=f"{service} does not answer; the rest of the page is not concerned.")
        if response.is_success:
            return Answer(service, found=response.json())
        return Answer(
            service, trouble=_sentence(service, response), is_missing=response.status_code == HTTPStatus.NOT_FOUND
        )

    async def tell(self, visitor: Visitor, service: str, path: str, body: Json) -> Answer:
        """Send one service a command; what it answers has the `position` that reads can wait for."""
        try:
            response = await self.client.post(
                self.addresses[service] + path,
                json=body,
                headers={"Authorization": f"Bearer {visitor.token}"},
                timeout=COMMAND_SECONDS_MAX,
            )
        except httpx.HTTPError:
            return Answer(service, trouble=f"{service} does not answer; whether it was done is not known yet.")
        if response.is_success:
            return Answer(service, found={**response.json(), "position": response.headers.get("rapport-position")})
        return Answer(service, trouble=_sentence(service, response))

    async def ask_all(self, visitor: Visitor, path: str) -> list[Answer]:
        """Ask every service the same, at once."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.ask(visitor, service, path)) for service in SERVICES]
        return [task.result() for task in tasks]


def _sentence(service: str, response: httpx.Response) -> str:
    try:
        problem: Json = response.json()
    except ValueError:
        problem = {}
    return f"{service}: {problem.get('detail') or problem.get('title') or f'it answered {response.status_code}'}"
