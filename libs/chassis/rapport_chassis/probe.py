"""`python -m rapport_chassis.probe 7701`: exit with 0 if a service on this machine can answer, for health checks."""

import http.client
import sys
from collections.abc import Sequence
from typing import Final

_ASK_SECONDS: Final = 4


def main(arguments: Sequence[str]) -> int:
    """Ask `/ready` on a port; 0 for 200, 1 for anything else."""
    (port,) = arguments
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=_ASK_SECONDS)
    try:
        connection.request("GET", "/ready")
        return 0 if connection.getresponse().status == http.client.OK else 1
    except (OSError, http.client.HTTPException):
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
