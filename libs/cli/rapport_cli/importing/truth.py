"""Compare a report with a published truth: paths on both sides, money exact, fractions within a relative error."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Final, cast

RELATIVE_ERROR_MAX: Final = Decimal("1e-6")

Json = object
Step = str | tuple[str, str]
"""A member's name, or the element of a list whose member (first) has a value (second)."""
Place = tuple[Step, ...]
_LIST = re.compile(r"(?P<name>[^\[\]{}]+)\[(?P<member>\w+)\]")
_ANY = re.compile(r"\{(?P<member>\w+)\}")


class PathRefused(ValueError):
    """A path of a mapping's table `truth` cannot be read."""


@dataclass(frozen=True, slots=True)
class Path:
    """
    A path into JSON.

    `a.b` are members; `{x}` is any member of an object, its name bound to x; `a[x]` any element of the list `a`, bound
    by the value of its member x. What is bound on one side is put in on the other.
    """

    text: str

    @property
    def segments(self) -> tuple[str, ...]:
        """The parts between the dots."""
        return tuple(self.text.split("."))

    @property
    def variables(self) -> frozenset[str]:
        """Names that it binds."""
        return frozenset(re.findall(r"[\[{](\w+)[\]}]", self.text))

    def walk(self, tree: Json) -> Iterator[tuple[dict[str, str], Json]]:
        """Yield each value that the path reaches, with what was bound on the way."""
        yield from _walk(self.segments, tree, {})

    def place(self, bound: Mapping[str, str]) -> Place:
        """Return the place that the path means where its variables have these values."""
        steps: list[Step] = []
        for segment in self.segments:
            if found := _ANY.fullmatch(segment):
                steps.append(bound[found["member"]])
            elif found := _LIST.fullmatch(segment):
                steps += [found["name"], (found["member"], bound[found["member"]])]
            else:
                steps.append(segment)
        return tuple(steps)


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure that is not what it should be; None stands for one that is missing."""

    place: str
    truth: str | None
    report: str | None


@dataclass(slots=True)
class Comparison:
    """What came of it."""

    compared: int = 0
    differences: list[Difference] = field(default_factory=list[Difference])
    unanswered: list[str] = field(default_factory=list[str])
    """Figures that the truth asks for in `first_report`, and no path of the mapping answers."""

    @property
    def is_equal(self) -> bool:
        """Whether every figure was answered, and rightly."""
        return self.compared > 0 and not self.differences and not self.unanswered


def figures(paths: Mapping[str, str], report: Json) -> dict[Place, Json]:
    """
    Return the report's figures under the places that the truth gives them.

    Raises:
        PathRefused: A path binds other names on its right than on its left.
    """
    found: dict[Place, Json] = {}
    for left, right in paths.items():
        truth_path, report_path = Path(left), Path(right)
        if truth_path.variables != report_path.variables:
            raise PathRefused(f"truth: {left!r} and {right!r} do not bind the same names")
        for bound, value in report_path.walk(report):
            found.setdefault(truth_path.place(bound), value)
    return found


def compare(paths: Mapping[str, str], report: Json, truth: Json) -> Comparison:
    """
    Compare every figure that the mapping names, and look whether these are all that `first_report` asks for.

    Strings (money) and integers must be equal exactly, fractions within a relative error of 1e-6.
    """
    answers = figures(paths, report)
    wanted = {Path(left).place(bound): value for left in paths for bound, value in Path(left).walk(truth)}
    result = Comparison(compared=len(wanted))
    for place in sorted(answers.keys() | wanted.keys(), key=write):
        answer, value = answers.get(place), wanted.get(place)
        if place not in answers or place not in wanted or not is_equal(answer, value):
            result.differences.append(Difference(write(place), _shown(value), _shown(answer)))
    result.unanswered = [write(place) for place in _asked(truth) if place not in wanted]
    return result


def is_equal(answer: Json, truth: Json) -> bool:
    """Say whether a figure of a report is what the truth says."""
    if isinstance(truth, bool | str) or truth is None or isinstance(answer, bool) or answer is None:
        return answer == truth
    try:
        a, b = Decimal(str(answer)), Decimal(str(truth))
    except InvalidOperation:
        return False
    if isinstance(answer, float):
        return abs(a - b) <= RELATIVE_ERROR_MAX * abs(b)
    return a == b


def nested(answers: Mapping[Place, Json]) -> dict[str, Json]:
    """Put figures together again as the truth has them."""
    tree: dict[str, Json] = {}
    for place, value in answers.items():
        node: object = tree
        for index, step in enumerate(place[:-1]):
            node = _child(node, step, is_list=isinstance(place[index + 1], tuple))
        cast("dict[str, Json]", node)[str(place[-1])] = value
    return tree


def write(place: Place) -> str:
    """Write a place as people read it."""
    text = ""
    for step in place:
        text += f"[{step[0]}={step[1]}]" if isinstance(step, tuple) else f".{step}" if text else step
    return text


def _child(node: object, step: Step, *, is_list: bool) -> object:
    if isinstance(step, tuple):
        elements = cast("list[dict[str, Json]]", node)
        member, value = step
        found = next((element for element in elements if str(element[member]) == value), None)
        if found is None:
            found = dict[str, Json]({member: value})
            elements.append(found)
        return found
    empty: object = [] if is_list else {}
    return cast("dict[str, object]", node).setdefault(step, empty)


def _walk(segments: Sequence[str], tree: Json, bound: dict[str, str]) -> Iterator[tuple[dict[str, str], Json]]:
    if not segments:
        yield bound, tree
        return
    segment, rest = segments[0], segments[1:]
    if not isinstance(tree, dict):
        return
    members = cast("dict[str, Json]", tree)
    if found := _ANY.fullmatch(segment):
        for name, value in members.items():
            yield from _walk(rest, value, {**bound, found["member"]: name})
    elif found := _LIST.fullmatch(segment):
        elements = members.get(found["name"])
        for element in cast("list[Json]", elements) if isinstance(elements, list) else []:
            if isinstance(element, dict) and found["member"] in element:
                value = str(cast("dict[str, Json]", element)[found["member"]])
                yield from _walk(rest, cast("Json", element), {**bound, found["member"]: value})
    elif segment in members:
        yield from _walk(rest, members[segment], bound)


def _asked(truth: Json) -> Iterator[Place]:
    """Yield the place of every figure under the paths that `first_report` lists."""
    members = cast("dict[str, Json]", truth) if isinstance(truth, dict) else {}
    for path in cast("list[str]", members.get("first_report", [])):
        yield from _leaves_at(path.split("."), members, ())


def _leaves_at(segments: Sequence[str], tree: Json, place: Place) -> Iterator[Place]:
    if not segments:
        yield from _leaves(tree, place)
        return
    if not isinstance(tree, dict):
        return
    members = cast("dict[str, Json]", tree)
    names = list(members) if segments[0] == "*" else [segments[0]] if segments[0] in members else []
    if not names:
        yield (*place, *segments)
    for name in names:
        yield from _leaves_at(segments[1:], members[name], (*place, name))


def _leaves(tree: Json, place: Place) -> Iterator[Place]:
    if isinstance(tree, dict):
        for name, value in cast("dict[str, Json]", tree).items():
            yield from _leaves(value, (*place, name))
    elif isinstance(tree, list):
        for element in cast("list[Json]", tree):
            if isinstance(element, dict) and element:
                members = cast("dict[str, Json]", element)
                # The first member of an element names it.
                name = next(iter(members))
                rest = {other: value for other, value in members.items() if other != name}
                yield from _leaves(rest, (*place, (name, str(members[name]))))
    else:
        yield place


def _shown(value: Json) -> str | None:
    return None if value is None else str(value)
