"""Rebuilds of read models as the services tell of them: which there are, which one is meant, how far it is."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from rapport_cli.asking import Misnamed
from rapport_cli.wire import PORTS, Access, NotFound, Unreachable, get_json, post_json

LOOK_SECONDS: Final = 0.5
AWAY_SECONDS_MAX: Final = 120
"""How long a service may be away while a rebuild is waited for: it goes on by itself when it is back."""


@dataclass(frozen=True, slots=True)
class Rebuild:
    """One rebuild of one read model of one service."""

    service: str
    told: Mapping[str, object]

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.service}.{self.told['reader']}"

    @property
    def number(self) -> int:
        """Which of the model's rebuilds it is."""
        return cast("int", self.told["rebuild"])

    @property
    def state(self) -> str:
        """Say `filling`, `beside` or `live`."""
        return str(self.told["state"])

    @property
    def differing(self) -> int | None:
        """Rows that are not as the live one's; None before they were compared."""
        return cast("int | None", self.told["rows_differing"])

    def moment(self, name: str) -> datetime | None:
        """Return one of its times."""
        told = self.told[name]
        return datetime.fromisoformat(str(told)) if told else None

    def line(self) -> str:
        """Say in one line how it stands."""
        text = f"{self.name:<42} {self.state:<8}"
        done, total = cast("int", self.told["events_done"]), cast("int | None", self.told["events_all"])
        if self.state == "filling":
            text += f" {done:,} of {'?' if total is None else f'{total:,}'} events"
            rate, rest = self.told["events_per_second"], self.told["remaining_seconds"]
            text += f", {rate:,.0f}/s" if isinstance(rate, float | int) else ""
            text += f", {rest:,.0f} s left" if isinstance(rest, float | int) else ""
        elif self.differing is not None:
            rows, against = cast("int", self.told["rows_compared"]), self.told["verified_against"]
            text += f" {self.differing:,} of {rows:,} rows differ from r{against}"
        return text + ("" if self.told["is_whole"] else "   search is being filled")


def list_rebuilds(access: Access, services: tuple[str, ...] = ()) -> list[Rebuild]:
    """Ask the services for all rebuilds."""
    found: list[Rebuild] = []
    for service in services or tuple(PORTS):
        told = cast("list[dict[str, object]]", get_json(access, service, "/v1/views")["rebuilds"])
        found += [Rebuild(service, each) for each in told]
    return found


def find_model(access: Access, name: str) -> tuple[str, str]:
    """
    Return the service and the read model that `directory`, `directory_v1` or `contacts.directory` means.

    Raises:
        Misnamed: None, or several.
    """
    service, _, view = name.rpartition(".")
    if service and service not in PORTS:
        raise Misnamed(f"{service!r} is no service; there are: {', '.join(PORTS)}")
    rows = list_rebuilds(access, (service,) if service else ())
    models = {
        (each.service, str(each.told["model"])) for each in rows if view in {each.told["model"], each.told["view"]}
    }
    newest = {found: max(model for other, model in models if other == found) for found, _ in models}
    if len(newest) == 1:
        return next(iter(newest.items()))
    if newest:
        raise Misnamed(f"{view!r} is in {', '.join(sorted(newest))}: write it like {min(newest)}.{view}")
    known = sorted({f"{each.service}.{each.told['view']}" for each in rows})
    raise Misnamed(f"{view!r} is no read model; there are: {', '.join(known)}")


def wish(access: Access, model: tuple[str, str], verb: str, number: int | None = None) -> dict[str, object]:
    """Have a service do something with a rebuild."""
    body = {} if verb == "rebuild" else {"rebuild": number}
    return post_json(access, model[0], f"/v1/views/{model[1]}/{verb}", body)


def look_at(access: Access, model: tuple[str, str], number: int) -> Rebuild | None:
    """Return one rebuild as it is now; None where there is none."""
    rows = list_rebuilds(access, (model[0],))
    return next((each for each in rows if each.told["model"] == model[1] and each.number == number), None)


def wait_for(
    access: Access, model: tuple[str, str], number: int, *, since: datetime | None, tell: Callable[[Rebuild], None]
) -> Rebuild | None:
    """
    Wait until a rebuild is filled and compared.

    Args:
        since: A comparison counts from then on; any where it is not given.
        tell: Called with how it stands, again and again.

    Returns:
        None where it was dropped meanwhile.

    Raises:
        Unreachable: The service has been away for two minutes.
    """
    seen_at = time.monotonic()
    while True:
        try:
            row = look_at(access, model, number)
            seen_at = time.monotonic()
        except (Unreachable, NotFound):
            if time.monotonic() - seen_at > AWAY_SECONDS_MAX:
                raise
            time.sleep(LOOK_SECONDS)
            continue
        if row is None:
            return None
        tell(row)
        verified_at = row.moment("verified_at")
        if row.state == "live" or (verified_at is not None and (since is None or verified_at >= since)):
            return row
        time.sleep(LOOK_SECONDS)
