"""The verb `rapport doctor`: what is well with a suite, what is not, and what to do about it."""

from typing import TYPE_CHECKING

import typer

from rapport_cli import exits
from rapport_cli.options import DATA_FOLDER, AsJson, DataFolder

if TYPE_CHECKING:
    from rapport_cli.doctor.case import Case, Finding
    from rapport_cli.launching.home import Home

HELP = """
Examine a suite: settings, keys, databases and their guards, broker, topics, ledgers, mirrors, services and readers.

Each line says ok, warn or fail, and what to do about it. Looks at the suite in the data folder, or where the
environment names another one, as services read it (RAPPORT_KAFKA, RAPPORT_<SERVICE>_KEEPER, …), at that; RAPPORT_URL
says where its console is. Changes nothing.
Exit codes: 0 nothing failed; 1 something did; 2 there is no suite to look at.
"""


def examine_suite(data: DataFolder = DATA_FOLDER, as_json: AsJson = False) -> None:  # noqa: FBT002
    """Examine a suite."""
    import asyncio
    import json
    import os
    import warnings
    from collections import Counter
    from dataclasses import asdict

    from rapport_cli.doctor.examination import examine
    from rapport_cli.launching.home import Home, HomeRefused

    try:
        case = case_of(Home(data))
    except HomeRefused as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(exits.MISUSED) from error
    # The groups of settings read the environment, as in the processes that are examined.
    os.environ.update(case.settings)
    # asyncpg asks for folders that a bare machine does not have.
    warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR", UserWarning)
    findings = asyncio.run(examine(case))
    counts = Counter(finding.state for finding in findings)
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        typer.echo("\n".join(_line(finding) for finding in findings))
        typer.echo(f"\n{counts['ok']} ok, {counts['warn']} warn, {counts['fail']} fail")
    raise typer.Exit(exits.LEFT_OVER if counts["fail"] else exits.DONE)


def case_of(home: "Home") -> "Case":
    """Find the suite: in the environment if that names a broker, else in the data folder."""
    import os

    from rapport_cli.doctor.case import Case, doors_of
    from rapport_cli.launching.environment import settings_of
    from rapport_cli.launching.installed import find_installed
    from rapport_cli.launching.ports import BROKER, HOST, OFFSETS
    from rapport_cli.launching.processes import read_run

    if os.environ.get("RAPPORT_KAFKA"):
        services = find_installed()
        return Case(dict(os.environ), services, doors_of(os.environ, services))
    suite, run = home.suite, read_run(home)
    services = find_installed(run.services if run else ())
    settings = {
        **os.environ,
        **settings_of(home, suite.kafka or f"{HOST}:{suite.port_base + OFFSETS[BROKER]}", services),
    }
    doors = {name: (HOST, port) for name, port in run.doors.items()} if run else {}
    return Case(settings, services, doors, home.folder)


def _line(finding: "Finding") -> str:
    line = f"{finding.state:<5} {finding.subject:<26} {finding.what}"
    return f"{line}\n{'':<33}{finding.fix}" if finding.fix else line
