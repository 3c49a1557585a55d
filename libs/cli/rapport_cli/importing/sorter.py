"""Say what a row is for: left out for a reason, or of which facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rapport_cli.importing.cells import remembered, test_of
from rapport_cli.importing.columns import columns_of
from rapport_cli.importing.facts import Fact, compile_facts
from rapport_cli.importing.mapping import Mapping
from rapport_cli.importing.rows import Row

NO_EVENT_FITS: Final = "no_event_fits"


@dataclass(frozen=True, slots=True)
class Use:
    """What one row is for."""

    skipped: str | None = None
    """Why it is left out."""
    singles: tuple[Fact, ...] = ()
    """Facts that it makes by itself."""
    grouped: tuple[Fact, ...] = ()
    """Facts that it makes together with others."""


class Sorter:
    """The rules of a mapping, compiled for a file."""

    def __init__(self, mapping: Mapping, header: Sequence[str]) -> None:
        column = columns_of(mapping, header)
        self.facts = compile_facts(mapping, header)
        self._skips = [(rule.reason, test_of(rule.when, column)) for rule in mapping.skip]
        conditions = [test for rule in mapping.skip for test in rule.when]
        conditions += [test for rule in mapping.event for test in rule.when]
        places = sorted({column(test.column) for test in conditions})
        # Rules look at few cells, and these hold few texts: most rows are for what an earlier one was for.
        self.use_of = remembered(self._look, places) if places else self._look
        """
        Return what a row is for.

        Raises:
            RowRefused: A condition cannot read its cell.
        """

    def _look(self, row: Row) -> Use:
        for reason, test in self._skips:
            if test is not None and test(row):
                return Use(skipped=reason)
        facts = [fact for fact in self.facts if fact.when is None or fact.when(row)]
        if not facts:
            return Use(skipped=NO_EVENT_FITS)
        return Use(
            singles=tuple(fact for fact in facts if fact.group is None),
            grouped=tuple(fact for fact in facts if fact.group is not None),
        )
