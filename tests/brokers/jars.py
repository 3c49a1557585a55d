"""The jars of Apache Kafka, brought once by Maven and kept in the project's folder of tools."""

import asyncio
import hashlib
import shutil
from pathlib import Path

_HERE = Path(__file__).parent
_POM = _HERE / "pom.xml"
_TOOLS = _HERE.parents[1] / ".tools"
_FETCH_SECONDS = 600


class NoJava(Exception):
    """Java or Maven is not on this machine."""


def are_possible() -> bool:
    """Say whether this machine has what Apache Kafka needs."""
    return all(shutil.which(program) for program in ("java", "mvn"))


async def jars() -> Path:
    """
    Return the folder with the jars, and bring them first if they are not there.

    Raises:
        NoJava: They cannot be brought or run here.
        RuntimeError: Maven failed; the message ends with what it said.
    """
    if not are_possible():
        msg = "Apache Kafka needs Java 17 and Maven; without them the tests run on the embedded broker"
        raise NoJava(msg)
    folder = _TOOLS / f"kafka-{hashlib.sha256(_POM.read_bytes()).hexdigest()[:12]}"
    if folder.is_dir():
        return folder
    draft = folder.with_suffix(".new")
    await asyncio.to_thread(shutil.rmtree, draft, ignore_errors=True)
    draft.mkdir(parents=True)
    command = ("mvn", "-q", "-B", "-f", str(_POM), "dependency:copy-dependencies")
    maven = await asyncio.create_subprocess_exec(
        *command,
        f"-DoutputDirectory={draft}",
        "-DincludeScope=runtime",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(_FETCH_SECONDS):
        said, _ = await maven.communicate()
    if maven.returncode:
        msg = f"Maven could not bring the jars of Apache Kafka:\n{said.decode(errors='replace')[-2_000:]}"
        raise RuntimeError(msg)
    draft.rename(folder)
    return folder
