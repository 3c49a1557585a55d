"""Talk to the suite's HTTP interfaces: keep-alive connections of the standard library, so that a verb starts fast."""

import base64
import binascii
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Final, Self, cast
from urllib.parse import urlsplit

from rapport_cli.launching.home import PORT_BASE, Home, HomeRefused
from rapport_cli.launching.ports import CONSOLE, url_of

PORTS: Final = {"contacts": 7701, "interactions": 7702, "workflow": 7703, "analytics": 7704}
ANSWER_BYTES_MAX: Final = 67_108_864
TIMEOUT_SECONDS: Final = 60.0
LOCAL_TOKEN_SECONDS: Final = 12 * 3600.0


class Unreachable(Exception):
    """The suite cannot be reached, or is not able to answer now."""


class NotFound(Exception):
    """The suite knows no such thing."""


class NotGranted(Exception):
    """The suite understood the wish and refused it; the sentence says why."""


class NotAllowed(Exception):
    """The suite does not take the token for this."""


class Unusable(Exception):
    """What was given (an address, a token) cannot be used."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """By name in small letters."""
    body: bytes

    @property
    def code(self) -> str:
        """The stable code of a problem; the status where there is none."""
        try:
            members = cast("object", json.loads(self.body))
        except ValueError:
            return f"http_{self.status}"
        return (
            str(cast("dict[str, object]", members).get("code")) if isinstance(members, dict) else f"http_{self.status}"
        )


@dataclass(frozen=True, slots=True)
class Access:
    """Where the services are, and the token to show them."""

    token: str
    url: str | None = None
    """The one door to all services; None where each is asked itself."""
    urls: Mapping[str, str] = field(default_factory=dict[str, str])
    """Addresses of single services."""

    @property
    def tenant(self) -> str:
        """
        The tenant that the token is for.

        Raises:
            Unusable: The token does not look like one.
        """
        try:
            middle = self.token.split(".")[1]
            claims = cast("object", json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4))))
        except (IndexError, ValueError, binascii.Error) as error:
            raise Unusable("the token is none: three parts with dots between are expected") from error
        tenant = cast("dict[str, object]", claims).get("tenant") if isinstance(claims, dict) else None
        if not isinstance(tenant, str) or not tenant:
            raise Unusable("the token names no tenant")
        return tenant

    def base_of(self, service: str) -> str:
        """Return the address under which a service's `/v1/…` is found."""
        if service in self.urls:
            return self.urls[service].rstrip("/")
        if self.url is not None:
            return f"{self.url.rstrip('/')}/api/{service}"
        return f"http://127.0.0.1:{PORTS[service]}"


def get_json(access: Access, service: str, path: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> dict[str, object]:
    """
    Ask one service for a JSON object.

    Raises:
        Unreachable: It does not answer, or not with 200; the answer's code is in the message.
        NotFound: It does not know what was asked for.
        NotAllowed: It does not take the token.
    """
    with Connection(access.base_of(service), lambda: access.token, timeout_seconds=timeout_seconds) as connection:
        answer = connection.get(path)
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise NotAllowed(f"{service} does not take the token ({answer.code})")
    if answer.status == HTTPStatus.NOT_FOUND:
        raise NotFound(f"{service} does not know it ({answer.code})")
    if answer.status != HTTPStatus.OK:
        raise Unreachable(f"{service} answered {answer.status} ({answer.code})")
    return cast("dict[str, object]", json.loads(answer.body))


def post_json(access: Access, service: str, path: str, body: Mapping[str, object]) -> dict[str, object]:
    """
    Wish something from one service.

    Raises:
        Unreachable: It does not answer, or cannot do it now.
        NotGranted: It refuses; its own sentence is the message.
        NotAllowed: It does not take the token.
    """
    with Connection(access.base_of(service), lambda: access.token) as connection:
        answer = connection.post(path, json.dumps(body).encode(), "application/json")
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise NotAllowed(f"{service} does not take the token ({answer.code})")
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Unreachable(f"{service} answered {answer.status} ({answer.code})")
    if answer.status >= HTTPStatus.BAD_REQUEST:
        raise NotGranted(f"{service}: {_detail(answer)} ({answer.code})")
    return cast("dict[str, object]", json.loads(answer.body))


def _detail(answer: Answer) -> str:
    try:
        members = cast("object", json.loads(answer.body))
    except ValueError:
        return f"it answered {answer.status}"
    return str(cast("dict[str, object]", members).get("detail")) if isinstance(members, dict) else str(answer.status)


def console_of(url: str | None, data: Path | None) -> str:
    """Return where the pages are."""
    if url := url or os.environ.get("RAPPORT_URL"):
        return url.rstrip("/")
    home = _home(data)
    return url_of(home.suite.port_base if home.is_made else PORT_BASE, CONSOLE)


def _home(data: Path | None) -> Home:
    return Home(data or Path(os.environ.get("RAPPORT_HOME") or "data"))


def find_access(
    tenant: str | None, url: str | None, token_file: Path | None, *, data: Path | None = None, is_operator: bool = False
) -> Access:
    """
    Find out where the suite is and how to show who we are.

    The token comes from `--token-file`, else from RAPPORT_TOKEN, else from the suite in the data folder; the address
    from `--url`, else from RAPPORT_URL, else each service's own: RAPPORT_<SERVICE>_URL, that of the suite in the data
    folder, or its default port.

    Args:
        data: The data folder; RAPPORT_HOME or ./data where it is not given.
        is_operator: Whether a token from the data folder shall also be good for operating the suite.

    Raises:
        Unusable: There is no token, or it is for another tenant.
    """
    home = _home(data)
    url = url or os.environ.get("RAPPORT_URL")
    urls = _urls_of(home) if url is None else {}
    access = Access(token=_token(tenant, token_file, home, is_operator=is_operator), url=url, urls=urls)
    if tenant is not None and access.tenant != tenant:
        raise Unusable(f"the token is for tenant {access.tenant!r}, not for {tenant!r}")
    return access


def _urls_of(home: Home) -> dict[str, str]:
    try:
        base = home.suite.port_base
    except HomeRefused:
        found: dict[str, str] = {}
    else:
        found = {name: url_of(base, name) for name in PORTS}
    return found | {name: value for name in PORTS if (value := os.environ.get(f"RAPPORT_{name.upper()}_URL"))}


def _token(tenant: str | None, token_file: Path | None, home: Home, *, is_operator: bool) -> str:
    if token_file is not None:
        try:
            return token_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Unusable(f"{token_file} cannot be read as a token") from error
    if token := os.environ.get("RAPPORT_TOKEN"):
        return token.strip()
    if home.is_made and tenant is None:
        raise Unusable(f"no token: name a --tenant, and the suite in {home.folder} gives one, or set RAPPORT_TOKEN")
    if home.is_made and tenant is not None:
        # Half of its time goes into loading cryptography, which whoever brings a token does not need.
        from rapport_cli.launching.keys import OPERATOR, SCOPES, sign_token

        scopes = (*SCOPES, OPERATOR) if is_operator else SCOPES
        return sign_token(home, tenant=tenant, subject="owner", scopes=scopes, seconds=LOCAL_TOKEN_SECONDS)
    for_tenant = f" --tenant {tenant}" if tenant else ""
    raise Unusable(f"no token: set RAPPORT_TOKEN (`export RAPPORT_TOKEN=$(rapport token{for_tenant})`) or --token-file")


class Connection:
    """One keep-alive connection to one service; used by one thread at a time."""

    def __init__(self, base: str, token: Callable[[], str], *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        parts = urlsplit(base)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise Unusable(f"{base!r} is no address; write it like http://127.0.0.1:7700")
        self._is_secure = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port
        self._prefix = parts.path.rstrip("/")
        self._token = token
        self._timeout_seconds = timeout_seconds
        self._connection: HTTPConnection | None = None
        self.base = base

    def __enter__(self) -> Self:
        """Begin to use it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def get(self, path: str, *, accept: str = "application/json") -> Answer:
        """Ask for something."""
        return self._request("GET", path, None, {"accept": accept})

    def post(self, path: str, body: bytes, media_type: str) -> Answer:
        """
        Send something, once.

        Raises:
            Unreachable: The connection failed; whether the request arrived is unknown.
        """
        return self._request("POST", path, body, {"content-type": media_type})

    def close(self) -> None:
        """Close the connection; the next request opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _request(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        headers = {"authorization": f"Bearer {self._token()}", **headers}
        try:
            connection = self._connection or self._open()
            connection.request(method, self._prefix + path, body=body, headers=headers)
            return _read(connection.getresponse())
        except (OSError, HTTPException) as error:
            self.close()
            raise Unreachable(f"{self.base} does not answer ({type(error).__name__})") from error
        except BaseException:
            self.close()
            raise

    def _open(self) -> HTTPConnection:
        make = HTTPSConnection if self._is_secure else HTTPConnection
        self._connection = make(self._host, self._port, timeout=self._timeout_seconds)
        return self._connection


def _read(response: HTTPResponse) -> Answer:
    body = response.read(ANSWER_BYTES_MAX + 1)
    if len(body) > ANSWER_BYTES_MAX:
        raise HTTPException("the answer is too large")
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)
