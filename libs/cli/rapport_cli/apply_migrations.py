"""The verb `rapport migrate up`: bring every database up to date."""

from typing import Annotated

import typer

from rapport_cli import exits
from rapport_cli.options import DATA_FOLDER, AsJson, DataFolder, Services, split_names

HELP = """
Make the databases and roles that are missing, and apply the numbered changes that are new: of the keyring, and of each
installed service that owns a ledger.

Every set-up does this before any service starts; applied twice it changes nothing. Without --postgres the address comes
from RAPPORT_ADMIN, and that of the keyring's server, where it has one of its own, from RAPPORT_KEYRING_ADMIN. The roles
get the passwords that stand in RAPPORT_KEYRING and RAPPORT_<SERVICE>_APP and _KEEPER, else those of the data folder.
Each of these may also be a file that …_FILE names.

Exit codes: 0 everything is up to date; 1 an applied change is not the one that is installed; 2 the call is wrong or a
setting is missing; 3 the server does not answer or refuses.
"""

app = typer.Typer(help="Databases, roles and tables.", no_args_is_help=True)


@app.command("up", help=HELP)
def apply_migrations(
    postgres: Annotated[
        str | None,
        typer.Option(help="Who may make databases and roles; the password comes from PGPASSWORD.", metavar="DSN"),
    ] = None,
    services: Services = None,
    data: DataFolder = DATA_FOLDER,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Bring every database up to date."""
    import asyncio
    import json

    import asyncpg

    from rapport_cli.launching.home import Home
    from rapport_cli.launching.installed import NotInstalled
    from rapport_cli.launching.order import OrderRefused
    from rapport_cli.launching.set_up import SettingMissing, find_servers, migrate_all
    from rapport_events.migrate import MigrationInvalid

    code: int = exits.DONE
    message = ""
    try:
        applied = asyncio.run(migrate_all(*find_servers(postgres), split_names(services), Home(data)))
        typer.echo(json.dumps({"applied": applied}) if as_json else "\n".join(applied) or "everything is up to date")
    except (NotInstalled, OrderRefused, SettingMissing) as error:
        code, message = exits.MISUSED, str(error)
    except MigrationInvalid as error:
        code, message = exits.LEFT_OVER, str(error)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        code, message = exits.AWAY, str(error) or type(error).__name__
    if message:
        typer.echo(message, err=True)
    raise typer.Exit(code)
