"""Whatever goes wrong between a verb and the suite becomes one sentence and an exit code."""

from collections.abc import Generator
from contextlib import contextmanager

import typer

from rapport_cli import exits


@contextmanager
def telling() -> Generator[None]:
    """Run what a verb does with the suite, and leave with the right code."""
    from rapport_cli import wire
    from rapport_cli.customer_names import Ambiguous

    code: int = exits.DONE
    message = ""
    try:
        yield
    except (wire.Unusable, wire.NotAllowed) as error:
        code, message = exits.NOT_ALLOWED, str(error)
    except (wire.NotFound, wire.NotGranted, Ambiguous, ValueError) as error:
        code, message = exits.MISUSED, str(error)
    except wire.Unreachable as error:
        code, message = exits.AWAY, str(error)
    except KeyboardInterrupt:
        code = exits.STOPPED
    if message:
        typer.echo(message, err=True)
    raise typer.Exit(code)
