"""Old versions into new: what turns the data of an event's former major into that of the next."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

Data = dict[str, object]
"""An event's data as JSON has it, without `pii`."""


@dataclass(frozen=True, slots=True)
class Upcast:
    """One step from a major of a type to the next."""

    old: str
    new: str
    change: Callable[[Data, str], Data]
    """From the old data, and their full version (for example `1.2`), to the new."""


class Upcasts:
    """
    All steps, by the type that they start from.

    Only a new major has one: within a major the fields that came later are optional, so old data fit as they are.
    No step sees or changes `pii`: a sealed value is bound to its place, so a new major adds members and keeps the old.
    """

    def __init__(self, steps: Iterable[Upcast] = ()) -> None:
        self._steps: dict[str, Upcast] = {}
        for step in steps:
            if step.old in self._steps:
                msg = f"{step.old} has two upcasts"
                raise ValueError(msg)
            if _major(step.new) <= _major(step.old) or _name(step.new) != _name(step.old):
                msg = f"an upcast leads to a later major of the same type, not from {step.old} to {step.new}"
                raise ValueError(msg)
            self._steps[step.old] = step

    def target(self, type_name: str) -> str:
        """Return the type in which the steps from `type_name` end: itself where there is none."""
        while type_name in self._steps:
            type_name = self._steps[type_name].new
        return type_name

    def sources(self, type_name: str) -> tuple[str, ...]:
        """Return the former majors whose steps end in `type_name`, oldest first."""
        return tuple(sorted((old for old in self._steps if self.target(old) == type_name), key=_major))

    def apply(self, type_name: str, schema: str, data: Data) -> Data:
        """
        Bring an event's data to the major in which the steps end.

        Args:
            schema: The full version that the data were written in, for example `1.2`.
            data: Not changed.
        """
        if type_name not in self._steps:
            return data
        personal = data.get("pii")
        changed = {name: value for name, value in data.items() if name != "pii"}
        while type_name in self._steps:
            step = self._steps[type_name]
            changed = step.change(changed, schema)
            type_name, schema = step.new, f"{_major(step.new)}.0"
        return changed if personal is None else {**changed, "pii": personal}


def _name(type_name: str) -> str:
    return type_name.rpartition(".v")[0]


def _major(type_name: str) -> int:
    return int(type_name.rpartition(".v")[2])


UPCASTS = Upcasts()
"""The released ones: none yet, every type is in its first major."""
