"""Whose values show where several ids are one party: down the tree of links and merges, by each merge's choices."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from rapport_events.parties import Party

Choices = Mapping[str, str]
"""For a field `survivor`, `merged` or `both`."""

LISTS: Final = frozenset({"emails", "phones", "addresses", "external_ids"})
"""Fields of which several values show."""
DEPTH_MAX: Final = 40


@dataclass(frozen=True, slots=True)
class Tree:
    """A party with the choices of its merges, by the id that was merged."""

    party: Party
    choices: Mapping[UUID, Choices] = field(default_factory=dict[UUID, Choices])

    def ranked(self, name: str) -> list[UUID]:
        """
        Return the ids whose value of a field shows, the first one first.

        Of a list all of them show; of another field the first that has a value.
        """
        return self._under(self.party.root, name, 0)

    def _under(self, member: UUID, name: str, depth: int) -> list[UUID]:
        ranked = [member]
        for child in self.party.children(member) if depth < DEPTH_MAX else ():
            below = self._under(child, name, depth + 1)
            keep = self.choices.get(child, {}).get(name)
            if name in LISTS:
                ranked = below if keep == "merged" else ranked if keep == "survivor" else ranked + below
            else:
                ranked = below + ranked if keep == "merged" else ranked + below
        return ranked
