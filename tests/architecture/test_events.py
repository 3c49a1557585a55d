"""Every published event has a golden file: an old reader finds in it what it will get for ever."""

from pathlib import Path

from rapport_events import codec
from tests.architecture.tree import ROOT, plant

_GOLDEN = "tests/contracts/golden"


def faults(root: Path, types: dict[str, str]) -> list[str]:
    """Say which events (type and full schema version) have no golden file, and which files no event."""
    folder = root / _GOLDEN
    wanted = {f"{type_name.rpartition('.v')[0]}.v{version}" for type_name, version in types.items()}
    there = {path.stem for path in folder.glob("*.json")}
    missing = [f"{_GOLDEN}/{name}.json is missing" for name in sorted(wanted - there)]
    # A file of an older version stays for ever; one of a type that nobody publishes is a slip.
    known = {name.rpartition(".v")[0] for name in wanted}
    return missing + [
        f"{_GOLDEN}/{name}.json belongs to no event" for name in sorted(there) if name.rpartition(".v")[0] not in known
    ]


def test_every_event_has_a_golden_file() -> None:
    """A change of the wire is then a change of a file that reviewers see."""
    types = {name: codec.schema_of(event) for name, event in codec.EVENTS.items()}
    assert types
    assert faults(ROOT, types) == []


def test_the_rule_sees_events_without_a_file_and_files_without_an_event(tmp_path: Path) -> None:
    plant(tmp_path, f"{_GOLDEN}/crm.customer.created.v1.0.json", "{}")
    plant(tmp_path, f"{_GOLDEN}/crm.customer.forgotten.v1.0.json", "{}")
    types = {"crm.customer.created.v1": "1.0", "crm.customer.merged.v2": "2.1"}
    assert faults(tmp_path, types) == [
        f"{_GOLDEN}/crm.customer.merged.v2.1.json is missing",
        f"{_GOLDEN}/crm.customer.forgotten.v1.0.json belongs to no event",
    ]
