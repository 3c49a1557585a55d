"""Hold what callers were told against the ledgers, partition by partition."""

from rapport_cli.verifying.findings import Account
from rapport_cli.verifying.history import Told
from rapport_cli.verifying.ledgers import Line

_LOST = "an acknowledged fact is gone: restore the database from a backup, then `rapport ledger new-era --take-back`"
_STRANGE = "a wish was carried out that was refused, or twice: keep the ledger as it is, and report the fault"


class Remembered:
    """What of a history is still to be found."""

    def __init__(self, told: Told | None) -> None:
        self._operations = told.operations if told is not None else {}
        self.is_wanted = told is not None
        """Whether there is a history at all."""
        self._missing = {
            event_id.encode(): operation.id
            for operation in self._operations.values()
            if operation.outcome == "ok"
            for event_id in operation.event_ids
        }
        self._account = Account("what callers were told", facts=len(self._missing))

    def look_at(self, service: str, line: Line) -> None:
        """Find what the history knows of in a partition of a ledger."""
        if not self.is_wanted:
            return
        for event_id in self._missing.keys() & set(line.ids):
            del self._missing[event_id]
        for position, name in enumerate(line.operations, 1):
            operation = self._operations.get(name or "")
            if operation is None:
                continue
            place = f"{service} partition {line.partition} position {position}"
            if operation.outcome == "failed":
                self._account.add("phantom", f"{place} belongs to {operation.id}, which was refused", _STRANGE)
            elif operation.event_ids and line.ids[position - 1].decode() not in operation.event_ids:
                self._account.add("repeated", f"{place} is a second event of {operation.id}", _STRANGE)

    def accounts(self) -> list[Account]:
        """Say what was not found; call it when all ledgers were looked at."""
        if not self.is_wanted:
            return []
        for event_id, operation in self._missing.items():
            self._account.add("lost", f"event {event_id.decode()} was acknowledged to {operation}", _LOST)
        self._missing = {}
        return [self._account]
