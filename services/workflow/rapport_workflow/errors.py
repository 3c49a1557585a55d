"""Every way workflow says no."""

from rapport_events.errors import Clash


class TaskAlreadyClosed(Clash):
    """The task was completed or cancelled before; create a new one."""

    code = "task_already_closed"
