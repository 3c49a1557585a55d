"""The routes by which an operator rebuilds read models: list, rebuild, verify, switch, drop."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from rapport_chassis.desk import OPERATOR, AtDesk, Desk
from rapport_chassis.problems import Refused, away
from rapport_events.errors import Clash, Missing
from rapport_events.rebuild import Rebuild, ask_verify, begin_rebuild, drop, read_rebuilds, switch
from rapport_events.statements import load
from rapport_events.view import View

REBUILD_BUSY: Final = away("rebuild_busy", "Somebody reads for too long at the moment; the same again shortly.", 2)

Name = Annotated[str, Path(max_length=100, description="`timeline` (its newest version) or `timeline_v1`.")]


class ViewNotFound(Missing):
    """This service has no such read model."""

    code = "view_not_found"


class RebuildNotFound(Missing):
    """This read model has no such rebuild, or none beside the live one."""

    code = "rebuild_not_found"


class NothingToRebuild(Clash):
    """This view keeps no tables: what its reactions lead to are events, and these are never made anew."""

    code = "nothing_to_rebuild"


class RebuildNotReady(Clash):
    """The rebuild is still being filled, or its search is; see how far it is, and try again then."""

    code = "rebuild_not_ready"


class RebuildNotLevel(Clash):
    """The rebuild does not stand where the live one does, so answers could go back; it takes over when it does."""

    code = "rebuild_not_level"


class RebuildIsLive(Clash):
    """This rebuild is the one that is read; switch to another one first."""

    code = "rebuild_is_live"


class RebuildShown(BaseModel):
    """One rebuild of a read model, and how far it has come."""

    model: str
    view: str
    rebuild: int
    reader: str
    state: str = Field(description="`filling`, `beside` (fed as the live one is) or `live`.")
    is_whole: bool
    events_done: int
    events_all: int | None = Field(description="Events that its sources hold; null while an owner does not answer.")
    events_per_second: float | None = Field(description="While it is filled.")
    remaining_seconds: float | None
    began_at: datetime
    filled_at: datetime | None
    switched_at: datetime | None
    verify_wanted_at: datetime | None
    verified_at: datetime | None
    verified_against: int | None
    rows_compared: int | None
    rows_differing: int | None


class ViewsAnswer(BaseModel):
    """All rebuilds of a service's read models."""

    service: str
    rebuilds: list[RebuildShown]


class Which(BaseModel):
    """Which rebuild is meant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rebuild: int | None = Field(default=None, ge=1, description="Its number; else the newest one that is not live.")


class Begun(BaseModel):
    """A rebuild that the readers fill from now on, or have been filling already."""

    model: str
    rebuild: int


class Switched(BaseModel):
    """What is read from now on."""

    model: str
    rebuild: int
    before: int


class VerifyWanted(BaseModel):
    """From when on a result answers this wish."""

    model: str
    rebuild: int
    verify_wanted_at: datetime


def view_router() -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["views"])
    router.add_api_route("/v1/views", list_views, operation_id="list_views")
    for verb, endpoint, status in (
        ("rebuild", rebuild_view, 202),
        ("verify", verify_view, 202),
        ("switch", switch_view, 200),
        ("drop", drop_view, 200),
    ):
        path = f"/v1/views/{{name}}/{verb}"
        router.add_api_route(path, endpoint, methods=["POST"], operation_id=f"{verb}_view", status_code=status)
    return router


async def list_views(request: Request, desk: AtDesk) -> ViewsAnswer:
    """List the rebuilds of all read models, and how far those are that are being filled."""
    await desk.admit(request, OPERATOR, f"{desk.service.name}:read")
    views = {view.model: view for view in desk.service.views}
    rows = await read_rebuilds(desk.store.pool, list(views))
    reached: dict[str, dict[tuple[str, int], int]] = {row.reader: {} for row in rows}
    for found in await desk.store.pool.fetch(load("rapport_chassis", "reached"), list(reached)):
        reached[found["reader"]][found["source"], found["era"]] = found["events"]
    shown = [_shown(desk, row, views[row.model], reached[row.reader]) for row in rows]
    return ViewsAnswer(service=desk.service.name, rebuilds=shown)


async def rebuild_view(request: Request, desk: AtDesk, name: Name) -> Begun:
    """Begin a rebuild of a read model beside the live one; nothing that is read changes."""
    await desk.admit(request, OPERATOR)
    view = _view(desk, name)
    if not view.tables:
        raise NothingToRebuild(view=view.model)
    number = await begin_rebuild(desk.store.pool, view.model)
    if number is None:
        raise RebuildNotReady(view=view.model)
    return Begun(model=view.model, rebuild=number)


async def verify_view(request: Request, desk: AtDesk, name: Name, which: Which) -> VerifyWanted:
    """Have the readers compare a rebuild with the live one, row by row; the list of views tells the result."""
    await desk.admit(request, OPERATOR)
    chosen = await _chosen(desk, _view(desk, name), which.rebuild)
    wanted_at = await ask_verify(desk.store.pool, chosen.model, chosen.rebuild)
    if wanted_at is None:
        raise RebuildNotReady(view=chosen.model, rebuild=chosen.rebuild)
    return VerifyWanted(model=chosen.model, rebuild=chosen.rebuild, verify_wanted_at=wanted_at)


async def switch_view(request: Request, desk: AtDesk, name: Name, which: Which) -> Switched:
    """Read another rebuild from now on; refused unless it stands exactly where the live one does."""
    await desk.admit(request, OPERATOR)
    view = _view(desk, name)
    chosen = await _chosen(desk, view, which.rebuild)
    rows = await read_rebuilds(desk.store.pool, [view.model])
    before = next((row.rebuild for row in rows if row.state == "live"), chosen.rebuild)
    outcome = await switch(desk.store.pool, chosen.model, chosen.rebuild)
    facts = {"view": chosen.model, "rebuild": chosen.rebuild, "because": outcome}
    match outcome:
        case "switched":
            return Switched(model=chosen.model, rebuild=chosen.rebuild, before=before)
        case "behind" | "ahead":
            raise RebuildNotLevel(**facts)
        case "filling" | "not_whole":
            raise RebuildNotReady(**facts)
        case "busy":
            raise Refused(REBUILD_BUSY)
        case "unknown":
            raise RebuildNotFound(**facts)


async def drop_view(request: Request, desk: AtDesk, name: Name, which: Which) -> Begun:
    """Take the tables of a rebuild away; never those that are read."""
    await desk.admit(request, OPERATOR)
    chosen = await _chosen(desk, _view(desk, name), which.rebuild)
    dropped = await drop(desk.store.pool, chosen.model, chosen.rebuild)
    match dropped:
        case "dropped":
            return Begun(model=chosen.model, rebuild=chosen.rebuild)
        case "live":
            raise RebuildIsLive(view=chosen.model, rebuild=chosen.rebuild)
        case "busy":
            raise Refused(REBUILD_BUSY)
        case "unknown":
            raise RebuildNotFound(view=chosen.model, rebuild=chosen.rebuild)


def _view(desk: Desk, name: str) -> View[Any, Any]:
    found = [view for view in desk.service.views if name in {view.name, view.model}]
    if not found:
        raise ViewNotFound(view=name, views=sorted(view.model for view in desk.service.views))
    return max(found, key=lambda view: view.version)


async def _chosen(desk: Desk, view: View[Any, Any], number: int | None) -> Rebuild:
    rows = await read_rebuilds(desk.store.pool, [view.model])
    found = [row for row in rows if (row.rebuild == number if number is not None else row.state != "live")]
    if not found:
        raise RebuildNotFound(view=view.model, rebuild=number)
    return found[-1]


def _shown(desk: Desk, row: Rebuild, view: View[Any, Any], reached: dict[tuple[str, int], int]) -> RebuildShown:
    done, total = sum(reached.values()), 0
    is_known = True
    for source in view.sources:
        state = desk.store.standing.newest(source)
        is_known = is_known and state is not None
        total += sum(state.heads) if state is not None else 0
    rate = remaining = None
    if row.state == "filling" and row.work_began_at is not None and row.work_began_after is not None:
        seconds = (datetime.now(UTC) - row.work_began_at).total_seconds()
        rate = round(max(0, done - row.work_began_after) / max(seconds, 0.001), 1)
        remaining = round(max(0, total - done) / rate, 1) if is_known and rate else None
    fields = {name: getattr(row, name) for name in RebuildShown.model_fields if hasattr(row, name)}
    return RebuildShown(
        **fields,
        view=view.name,
        events_done=done,
        events_all=total if is_known else None,
        events_per_second=rate,
        remaining_seconds=remaining,
    )
