"""An incompatible change is refused by `make check`, with a sentence that says what to do instead."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT
from tests.contracts import museum

CONTRACTS = "rapport_events/contracts"
INTERACTIONS = f"{CONTRACTS}/interactions.py"
RESOLVED = "    case_id: UUID\n    resolution_code: Code\n"
REFERRAL = '    purchase_id: UUID | None = None\n    """The purchase that came of it'
STAGES = '"loyal", "advocate"]'

PLANTED = {
    "a removed field": (
        (INTERACTIONS, RESOLVED, "    case_id: UUID\n"),
        "crm.case.resolved.v1: data.resolution_code is gone, but old readers look for it: keep it",
    ),
    "a changed type": (
        (INTERACTIONS, REFERRAL, REFERRAL.replace("purchase_id: UUID", "purchase_id: int")),
        (
            "crm.referral.made.v1: data.purchase_id had type string and has integer: leave it as it is, and add "
            "an optional member with another name"
        ),
    ),
    "a new required field": (
        (INTERACTIONS, RESOLVED, f"{RESOLVED}    place: Code\n"),
        (
            "crm.case.resolved.v1: data.place is new and is required now, but recorded events lack it: make it "
            "optional (`| None = None`)"
        ),
    ),
    "an optional field that became required": (
        (INTERACTIONS, REFERRAL, REFERRAL.replace(" | None = None", "")),
        (
            "crm.referral.made.v1: data.purchase_id was optional and is required now, but recorded events lack "
            "it: make it optional (`| None = None`)"
        ),
    ),
    "a required field that became optional": (
        (INTERACTIONS, RESOLVED, "    case_id: UUID\n    resolution_code: Code | None = None\n"),
        (
            "crm.case.resolved.v1: data.resolution_code is no longer required, but old readers count on it: go on "
            "writing it always"
        ),
    ),
    "a narrowed enum": (
        (f"{CONTRACTS}/analytics.py", STAGES, '"loyal"]'),
        (
            "crm.customer.stage_reached.v1: data.stage can no longer be advocate, which stands in recorded "
            "events: keep the value and write it no more"
        ),
    ),
    "a widened enum": (
        (f"{CONTRACTS}/analytics.py", STAGES, '"loyal", "advocate", "lost"]'),
        (
            "crm.customer.stage_reached.v1: data.stage can be lost now, which old readers refuse: add an optional "
            "member that says more"
        ),
    ),
    "a narrower bound": (
        (INTERACTIONS, RESOLVED, RESOLVED.replace("Code", "Annotated[Code, Field(max_length=3)]")),
        (
            "crm.case.resolved.v1: data.resolution_code had maxLength 200 and has 3: leave it as it is, and add "
            "an optional member with another name"
        ),
    ),
    "a type that nobody publishes any more": (
        (INTERACTIONS, "    | ReferralMade\n", ""),
        "crm.referral.made.v1 is not known any more, but it was recorded: put its class back, even if nobody writes it",
    ),
    "an optional field in the same version": (
        (INTERACTIONS, RESOLVED, f"{RESOLVED}    place: Code | None = None\n"),
        (
            "crm.case.resolved.v1.0.json is released and its class says something else: set schema_version to "
            '"1.1" if a member was added, and run `make docs`'
        ),
    ),
}


@pytest.mark.parametrize(("change", "sentence"), PLANTED.values(), ids=PLANTED)
def test_a_change_that_breaks_readers_is_refused(tmp_path: Path, change: tuple[str, str, str], sentence: str) -> None:
    assert sentence in "\n".join(refusals(tmp_path, *change))


def test_an_optional_field_in_a_new_version_only_wants_its_file(tmp_path: Path) -> None:
    wider = f'    schema_version: ClassVar[str] = "1.1"\n{RESOLVED}    place: Code | None = None\n'

    found = refusals(tmp_path, INTERACTIONS, RESOLVED, wider)

    assert found == ["crm.case.resolved.v1.1.json is missing: run `make docs`"]


def test_other_words_break_nothing(tmp_path: Path) -> None:
    assert refusals(tmp_path, INTERACTIONS, '"""A case was settled."""', '"""A case has been settled."""') == []


def refusals(folder: Path, file: str, old: str, new: str) -> list[str]:
    """Plant a change in a copy of the events, and run the step of `make check` over it."""
    shutil.copytree(ROOT / "libs/events/rapport_events", folder / "rapport_events")
    path = folder / file
    text = path.read_text(encoding="utf-8").replace("from typing import ", "from typing import ClassVar, ", 1)
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    checked = subprocess.run(
        [sys.executable, "-m", "tests.contracts.museum"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = checked.stderr.splitlines()
    assert checked.returncode == bool(found), checked.stderr
    return found


def test_a_released_file_is_never_changedor_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(museum.FOLDER, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(museum, "FOLDER", tmp_path)
    (tmp_path / "crm.case.resolved.v1.0.json").unlink()
    edited = tmp_path / "crm.case.assigned.v1.0.json"
    edited.write_bytes(edited.read_bytes().replace(b'"agent-7"', b'"agent-8"'))

    changed, removed = list(museum.faults())[:2]
    assert changed.startswith("crm.case.assigned.v1.0.json is released and was changed: put it back (git checkout)")
    assert removed.startswith("crm.case.resolved.v1.0.json is released and was removed: put it back (git checkout)")


def test_releasing_again_changes_nothing_that_is_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = museum.released()
    monkeypatch.setattr(museum, "RELEASES", tmp_path / "released.txt")
    (tmp_path / "released.txt").write_text("0  crm.case.assigned.v1.0.json\n", encoding="ascii")

    museum.release()

    after = museum.released()
    assert after.pop("crm.case.assigned.v1.0.json") == "0"
    assert after.items() >= {name: digest for name, digest in before.items() if name in after}.items()
