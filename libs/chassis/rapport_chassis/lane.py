"""The way past FastAPI for the routes that must be fast: found in one look, whatever their number."""

from collections.abc import Sequence

from starlette.types import ASGIApp, Scope

from rapport_chassis.plain_routes import PlainRoute

_PLACE = "{}"


class Lane:
    """Finds plain routes by path; those with more than one parameter are left to FastAPI's router."""

    def __init__(self, routes: Sequence[PlainRoute]) -> None:
        self._found: dict[str, tuple[PlainRoute, str]] = {}
        places: set[int] = set()
        for route in routes:
            parts = route.path.split("/")
            held = [place for place, part in enumerate(parts) if part.startswith("{")]
            if len(held) > 1:
                continue
            name = parts[held[0]][1:-1] if held else ""
            for place in held:
                parts[place] = _PLACE
                places.add(place)
            self._found["/".join(parts)] = (route, name)
        self._places = sorted(places)

    def find(self, scope: Scope) -> ASGIApp | None:
        """Return the application behind a path, and note in the scope which route it is and its parameter."""
        path: str = scope["path"]
        found = self._found.get(path)
        if found is not None and not found[1]:
            return _enter(scope, found[0], {})
        parts = path.split("/")
        for place in self._places:
            if place < len(parts) and parts[place]:
                found = self._found.get("/".join([*parts[:place], _PLACE, *parts[place + 1 :]]))
                if found is not None:
                    return _enter(scope, found[0], {found[1]: parts[place]})
        return None


def _enter(scope: Scope, route: PlainRoute, parameters: dict[str, str]) -> ASGIApp:
    scope["route"] = route
    scope["path_params"] = parameters
    return route.app
