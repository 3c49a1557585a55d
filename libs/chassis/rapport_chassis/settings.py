"""Settings from the environment: what is missing, doubled or misspelt stops the start and is named."""

import base64
import binascii
import difflib
import os
import re
import socket
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated, TypeVar, get_args

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX = "RAPPORT_"
PORTS = {"console": 7700, "contacts": 7701, "interactions": 7702, "workflow": 7703, "analytics": 7704}
"""The suite's own services and the ports on which they listen by default."""
SOURCES = ("analytics", "contacts", "interactions", "workflow")
"""Services that own a ledger."""
SECRET_BYTES_MAX = 65_536
_KEY_BYTES = 32
FOREIGN_PREFIXES = ("RAPPORT_TEST_",)
"""Names that belong to the tests, which run in the same environment as what they start."""
FOREIGN_NAMES = frozenset({"RAPPORT_TOKEN", "RAPPORT_URL", "RAPPORT_HOME"})
"""Names that the command line reads; they mean nothing to a service, and may stand in the same shell."""

G = TypeVar("G", bound="Settings")


class SettingsRefused(Exception):
    """The environment is not one to start with; each line of `faults` names a variable and says what to do."""

    def __init__(self, faults: Collection[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


class Settings(BaseSettings):
    """A group of settings that one part needs; a secret may also come from the file that `<NAME>_FILE` names."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # pydantic gives them by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the environment, then secrets from files; no `.env` file is looked for."""
        prefix = env_settings.env_prefix if isinstance(env_settings, EnvSettingsSource) else PREFIX
        return (init_settings, env_settings, _SecretFiles(settings_cls, prefix))

    @classmethod
    def names(cls, prefix: str = PREFIX) -> Iterator[str]:
        """Yield each variable that the group reads."""
        for name, field in cls.model_fields.items():
            yield f"{prefix}{name}".upper()
            if _is_secret(field):
                yield f"{prefix}{name}_FILE".upper()


class _SecretFiles(PydanticBaseSettingsSource):
    """Reads each secret that is given as a file."""

    def __init__(self, settings_cls: type[BaseSettings], prefix: str) -> None:
        super().__init__(settings_cls)
        self._prefix = prefix

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[object, str, bool]:
        """Return the text of the file, without the line end that editors add."""
        variable = f"{self._prefix}{field_name}".upper()
        path = os.environ.get(f"{variable}_FILE")
        if not path or not _is_secret(field):
            return None, field_name, False
        if os.environ.get(variable):
            raise SettingsRefused([f"{variable} and {variable}_FILE are both set; keep one of them"])
        try:
            with Path(path).open("rb") as file:
                raw = file.read(SECRET_BYTES_MAX)
            return raw.decode().strip(), field_name, False
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsRefused([f"{variable}_FILE names a file that cannot be read as text"]) from error

    def __call__(self) -> dict[str, object]:
        """Return the secrets that were found."""
        fields = self.settings_cls.model_fields
        found = {name: self.get_field_value(field, name)[0] for name, field in fields.items()}
        return {name: value for name, value in found.items() if value is not None}


def _is_secret(field: FieldInfo) -> bool:
    return field.annotation is SecretStr or SecretStr in get_args(field.annotation)


def _named_after_host(value: str) -> str:
    return socket.gethostname() if value == "hostname" else value


def _is_host_and_port(value: str) -> str:
    for broker in value.split(","):
        host, _, port = broker.rpartition(":")
        if not host or not port.isdecimal():
            msg = "must be host:port, or several of them with commas"
            raise ValueError(msg)
    return value


def _is_key(value: SecretStr) -> SecretStr:
    key_bytes(value)
    return value


def key_bytes(value: SecretStr) -> bytes:
    """
    Return the 32 bytes of a key written as 64 hexadecimal digits or as base64 (either alphabet).

    Raises:
        ValueError: It is something else.
    """
    text = value.get_secret_value()
    try:
        if len(text) == 2 * _KEY_BYTES:
            return bytes.fromhex(text)
        key = base64.b64decode(text.translate(str.maketrans("-_", "+/")).rstrip("=") + "=", validate=True)
    except (ValueError, binascii.Error) as error:
        msg = "must be 32 bytes, as 64 hexadecimal digits or as base64"
        raise ValueError(msg) from error
    if len(key) != _KEY_BYTES:
        msg = "must be 32 bytes, as 64 hexadecimal digits or as base64"
        raise ValueError(msg)
    return key


class Process(Settings):
    """What concerns the process as a whole."""

    log_level: Annotated[str, Field(pattern="^(debug|info|warning|error)$")] = "info"
    stop_seconds: Annotated[int, Field(ge=1, le=300)] = 25
    """How long requests under way may take to end after SIGTERM."""
    health_host: str = "127.0.0.1"
    health_port: Annotated[int, Field(ge=0, le=65_535)] | None = None
    """Where a process answers /live, /ready and /metrics besides; one without the role `http` has no other door."""
    clock_file: str | None = None
    """For tests: a file with the seconds by which the clock of timers is ahead. The time of record never is."""


class Traces(Settings):
    """Where traces are sent; nowhere by default."""

    otlp_endpoint: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None
    """Address of a collector that takes OTLP over HTTP; OTEL_EXPORTER_OTLP_ENDPOINT does it too."""
    trace_ratio: Annotated[float, Field(ge=0, le=1)] = 1
    """Which share of requests is traced that bring no trace with them."""


class Broker(Settings):
    """Where the topics are."""

    kafka: Annotated[str, AfterValidator(_is_host_and_port)] = Field(description="host:port of the Kafka broker")
    topic_prefix: Annotated[str, Field(pattern=r"^[a-z][a-z0-9._-]{0,62}$")] = "crm"
    consumer_groups: bool = True
    """Whether replicas of a service's readers share the partitions; if not, one process reads them all, and at once."""
    session_seconds: Annotated[float, Field(ge=6, le=300)] = 45
    """How long a killed reader keeps its partitions; the embedded broker makes a new one wait for half of it."""
    member: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,200}$"), AfterValidator(_named_after_host)] | None = None
    """
    Name of this process among the readers of its group: started again under it, it has its partitions back at once.

    `hostname` takes that of the machine or container. No two processes that read for a service may have the same name.
    """


class Keys(Settings):
    """Where the keys of persons are, and the key that wraps them."""

    keyring: SecretStr = Field(description="DSN of the keyring's database")
    master_key: Annotated[SecretStr, AfterValidator(_is_key)] = Field(
        description="32 bytes that wrap every tenant's key"
    )


class Erasing(Settings):
    """How persons are forgotten; only contacts is given the login that destroys keys."""

    keyring_eraser: SecretStr | None = Field(
        default=None, description="DSN of the keyring's database as its role eraser"
    )
    erasure_wait_seconds: Annotated[float, Field(ge=0, le=3_600)] = 30
    """Longer than any process holds a key (20 s) or a reader's transaction lasts (10 s); less is for tests alone."""


class Tokens(Settings):
    """Whose tokens are taken. Several issuers: names and key sets in the same order, with spaces between."""

    issuer: Annotated[str, Field(min_length=1)] = Field(description="the `iss` of the tokens that are taken")
    audience: str = "rapport"
    jwks_file: str | None = None
    jwks_url: str | None = None


class Peers(Settings):
    """Where services find one another's `GET /v1/ledger`, the only call between them."""

    analytics_url: str = f"http://127.0.0.1:{PORTS['analytics']}"
    contacts_url: str = f"http://127.0.0.1:{PORTS['contacts']}"
    interactions_url: str = f"http://127.0.0.1:{PORTS['interactions']}"
    workflow_url: str = f"http://127.0.0.1:{PORTS['workflow']}"

    def url_of(self, service: str) -> str:
        """Return the base URL of a service, without a slash at its end."""
        return str(getattr(self, f"{service}_url")).rstrip("/")


class Webhooks(Settings):
    """Where events may be delivered to."""

    webhook_ports: Annotated[str, Field(pattern=r"^\d{1,5}( \d{1,5})*$")] = "443 8443"
    """Ports of receivers, with spaces between."""
    webhook_loopback: bool = False
    """Whether receivers may be on this machine, without TLS and on any port: for tests and for a suite on a desk."""


class Edge(Settings):
    """Where a service listens; the prefix is `RAPPORT_<SERVICE>_`."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] | None = None
    """The suite's own services have a port by default; 0 takes a free one."""


class Store(Settings):
    """A service's database, as its two roles see it; the prefix is `RAPPORT_<SERVICE>_`."""

    app: SecretStr = Field(description="DSN of the service's database as its role app")
    keeper: SecretStr = Field(description="DSN of the service's database as its role keeper")
    pool_size: Annotated[int, Field(ge=1, le=100)] = 4
    """Connections for queries at most; commands share one of their own."""
    statement_seconds: Annotated[float, Field(gt=0, le=300)] = 8
    """How long one statement of a query or command may take."""
    answer_seconds: Annotated[float, Field(gt=0, le=90)] = 20
    """How long a request may wait for its answer, then it is 503; only feeds and batches may take longer."""


class Mail(Settings):
    """The server that takes our mail; without one, mail waits until there is one."""

    smtp_host: str | None = None
    smtp_port: Annotated[int, Field(ge=1, le=65_535)] = 587
    smtp_security: Annotated[str, Field(pattern="^(none|starttls|tls)$")] = "starttls"
    """`tls` from the first byte, `starttls` before anything is said, or `none` for a server on this machine."""
    smtp_username: str | None = None
    smtp_password: SecretStr | None = Field(default=None, description="password at the SMTP server")
    smtp_sender: Annotated[str, Field(pattern=r"^[^@\s<>]+@[^@\s<>]+$")] = "crm@localhost.localdomain"
    """The address that mail comes from; its domain is also that of Message-IDs."""


def prefix_of(service: str) -> str:
    """Return the prefix of a service's own variables."""
    return f"{PREFIX}{service.upper()}_"


def read(group: type[G], service: str | None = None) -> G:
    """
    Read one group of settings; those of a service have its name in their prefix.

    Raises:
        SettingsRefused: A value is missing or cannot be used; every such variable is named.
    """
    prefix = PREFIX if service is None else prefix_of(service)
    try:
        return group(_env_prefix=prefix)  # pyright: ignore[reportCallIssue]  # the base class takes it
    except ValidationError as error:
        raise SettingsRefused(list(_faults(error, group, prefix))) from None


def _faults(error: ValidationError, group: type[Settings], prefix: str) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_input=False):
        name = str(fault["loc"][0])
        variable = f"{prefix}{name}".upper()
        field = group.model_fields.get(name)
        if fault["type"] != "missing":
            yield f"{variable} cannot be used: {fault['msg'].removeprefix('Value error, ')}"
        elif field is None or not _is_secret(field):
            yield f"{variable} is missing: {field.description if field else name}"
        else:
            yield f"{variable} is missing: {field.description} (or {variable}_FILE, a file that holds it)"


def refuse_unknown(known: Collection[str], services: Collection[str] = tuple(PORTS)) -> None:
    """
    Refuse every `RAPPORT_…` variable that nobody reads, for a misspelt name would silently mean its default.

    Args:
        known: Names that what is started reads. Those of all services' groups are known besides.
        services: Names of services whose variables may stand in a shared environment.

    Raises:
        SettingsRefused: Each unknown name, with the nearest known one.
    """
    names = set(known) | FOREIGN_NAMES
    shared: tuple[type[Settings], ...] = (Process, Traces, Broker, Keys, Erasing, Tokens, Peers, Webhooks, Mail)
    for group in shared:
        names.update(group.names())
    for service in services:
        names.update((*Edge.names(prefix_of(service)), *Store.names(prefix_of(service))))
    faults: list[str] = []
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in names and not name.startswith(FOREIGN_PREFIXES):
            near = difflib.get_close_matches(name, sorted(names), n=1, cutoff=0.5)
            faults.append(f"{_printable(name)} is not a setting" + (f"; did you mean {near[0]}?" if near else ""))
    if faults:
        raise SettingsRefused(faults)


def _printable(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "?", name)[:100]
