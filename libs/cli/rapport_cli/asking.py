"""Ask a suite as its operator, and say in one place what each way to fail means for the exit code."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import typer

from rapport_cli import exits
from rapport_cli.wire import Access, NotAllowed, NotFound, NotGranted, Unreachable, Unusable, find_access


class Misnamed(Exception):
    """Nothing is called that, or several are."""


@contextmanager
def operating(tenant: str, url: str | None, data: Path) -> Generator[Access]:
    """Give access with the scope operator; what fails inside ends the verb with its sentence and code."""
    try:
        yield find_access(tenant, url, None, data=data, is_operator=True)
    except (Unusable, NotAllowed) as error:
        _end(error, exits.NOT_ALLOWED)
    except (Misnamed, NotFound) as error:
        _end(error, exits.MISUSED)
    except NotGranted as error:
        _end(error, exits.LEFT_OVER)
    except Unreachable as error:
        _end(error, exits.AWAY)


def _end(error: Exception, code: int) -> None:
    typer.echo(str(error), err=True)
    raise typer.Exit(code) from error
