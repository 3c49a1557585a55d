"""Every way the console says no."""

from rapport_events.errors import Missing


class NoSuchDoor(Missing):
    """There is no such service or path; a path is `/api/`, the service, `/v1/` and the rest."""

    code = "no_such_door"
