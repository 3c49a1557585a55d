"""Take from requirements.lock what some members of the workspace need, with its hashes, and nothing else."""

import argparse
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PREFIX = "rapport-"
_HEAD = re.compile(r"(?P<name>[a-z0-9][a-z0-9-]*)==")
_VIA = re.compile(r"\s+#(?: via)?\s+(?P<name>\S+)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Entry:
    """One package of the lock."""

    text: str
    """Version, marker and hashes, as pip reads them."""
    via: frozenset[str]
    """Who asks for it."""


def read_lock(text: str) -> dict[str, Entry]:
    """Return the packages of a lock by name; the comments below each say who asks for it."""
    found: dict[str, Entry] = {}
    for block in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE):
        head = _HEAD.match(block)
        if head is not None:
            lines = block.splitlines()
            via = [match["name"] for line in lines if (match := _VIA.fullmatch(line.partition(" (")[0]))]
            kept = [line for line in lines if not line.lstrip().startswith("#")]
            found[head["name"]] = Entry("\n".join(kept).strip(), frozenset(via))
    return found


def read_members(root: Path) -> dict[str, tuple[Path, list[str]]]:
    """Return folder and dependencies of each member of the workspace, by name."""
    found: dict[str, tuple[Path, list[str]]] = {}
    for path in sorted([*root.glob("libs/*/pyproject.toml"), *root.glob("services/*/pyproject.toml")]):
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        names = [match[0].lower() for each in project["dependencies"] if (match := _NAME.match(each))]
        found[project["name"]] = (path.parent, names)
    return found


def members_for(names: Collection[str], members: Mapping[str, tuple[Path, list[str]]]) -> list[str]:
    """
    Return these members and those that they depend on, the innermost first.

    Raises:
        KeyError: There is no such member.
    """
    chosen: dict[str, None] = {}

    def visit(name: str) -> None:
        for each in members[name][1]:
            if each in members:
                visit(each)
        chosen.setdefault(name)

    for name in names:
        visit(name)
    return list(chosen)


def choose(lock: Mapping[str, Entry], roots: Collection[str]) -> Iterator[str]:
    """Yield the names of all packages that the roots ask for, however indirectly, and of roots in the lock."""
    wanted = set(roots)
    while more := {name for name, entry in lock.items() if name not in wanted and entry.via & wanted}:
        wanted |= more
    yield from (name for name in lock if name in wanted)


def main() -> None:
    """Write the entries that are needed, and the folders of the members."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", help="members without their prefix (contacts), or packages of the lock")
    parser.add_argument("--lock", type=Path, required=True, help="where the chosen entries go")
    parser.add_argument("--members", type=Path, help="where the folders of the members go, one a line")
    given = parser.parse_args()
    lock = read_lock(Path("requirements.lock").read_text(encoding="utf-8"))
    members = read_members(Path())
    chosen = members_for([PREFIX + name for name in given.names if PREFIX + name in members], members)
    unknown = [name for name in given.names if PREFIX + name not in members and name not in lock]
    if unknown:
        parser.error(f"neither a member nor in requirements.lock: {', '.join(unknown)}")
    entries = [lock[name].text for name in choose(lock, {*chosen, *given.names})]
    given.lock.write_text("\n".join(entries) + "\n", encoding="utf-8")
    if given.members is not None:
        given.members.write_text("\n".join(f"./{members[name][0]}" for name in chosen) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
