"""A webhook reaches the public network alone, whatever its address is dressed up as."""

import asyncio
import contextlib
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rapport_chassis.webhooks.addresses import AddressRefused, Outgoing, TargetRefused, check, is_public, target_of
from rapport_chassis.webhooks.sending import Sender
from tests.chassis.receiving import Receiver, open_receiver

PRIVATE = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.1.2.3", "169.254.169.254"),  # noqa: S104  # refused
    *("172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.168.0.1", "198.18.0.1", "198.51.100.1"),
    *("203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1"),
    *("64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "fc00::1"),
    *("fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "4000::1"),
]
REFUSED = [
    *(f"https://{f'[{address}]' if ':' in address else address}/" for address in PRIVATE),
    *("http://example.org/", "ftp://example.org/", "file:///etc/passwd", "gopher://example.org/", "//example.org/"),
    *("example.org", "https://", "https:///path", "https://example.org:22/", "https://example.org:0/"),
    *("https://example.org:99999/", "https://user@example.org/", "https://user:secret@example.org/"),
    *("https://example.org@127.0.0.1/", "https://127.0.0.1#@example.org/", "https://127.0.0.1\\@example.org/"),
    *(
        "https://example.org/?token=1",
        "https://example.org/#part",
        "https://example.org\\.evil/",
        "https://exa mple.org/",
    ),
    *("https://example.org/\r\nHost: evil", "https://example.org/\t", "https://2130706433/", "https://0x7f000001/"),
    *("https://0x7f.1/", "https://0177.0.0.1/", "https://127.1/", "https://127.0.0.1.:443/", "https://[::1%25eth0]/"),
    *("https://[fe80::1%eth0]/", "https://①②⑦.⓪.⓪.①/", "https://localhost。/", "https://-a.org/", "https://a..org/"),
    *(
        "https://example.org:443:443/",
        "https://[127.0.0.1]/",
        "https://[::1/",
        "https://a_b.org/",
        "https://1.2.3.4.5/",
    ),
    *("http://127.0.0.1/", "http://localhost:8000/", "https://example.org/" + "a" * 1_000, "https://.org/"),
]


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_that_is_not_plainly_public_is_refused(address: str) -> None:
    with pytest.raises(AddressRefused):
        target_of(address, Outgoing())


@pytest.mark.parametrize(
    "name",
    ["https://example.org/", "https://a-b.example.org:8443/x/y;z=1", "https://8.8.8.8/", "https://[2606:4700::1111]/"],
)
def test_a_public_one_is_taken(name: str) -> None:
    assert target_of(name, Outgoing()).is_secure


@pytest.mark.parametrize("private", PRIVATE)
async def test_a_name_with_one_private_address_is_not_connected_to(private: str) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["93.184.215.14", private]

    assert not is_public(ip_address(private))
    with pytest.raises(TargetRefused):
        await check(target_of("https://example.org/", Outgoing()), resolve)


async def test_a_name_is_asked_for_once_so_no_second_answer_counts() -> None:
    answers = [["93.184.215.14"], ["127.0.0.1"]]

    async def rebind(_host: str, _port: int) -> list[str]:
        return answers.pop(0)

    assert await check(target_of("https://example.org/", Outgoing()), rebind) == "93.184.215.14"
    assert len(answers) == 1


async def test_this_machine_is_reached_only_where_that_is_allowed() -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    async with open_receiver() as receiver:
        refused = await Sender(Outgoing(), resolve).post(receiver.address, {}, b"{}")
        posing = await Sender(Outgoing(allows_loopback=True), resolve).post("https://example.org/", {}, b"{}")
        allowed = await Sender(Outgoing(allows_loopback=True), resolve).post(receiver.address, {}, b"{}")

    assert (refused.error, posing.error, allowed.status) == ("address_refused", "address_refused", 200)
    assert len(receiver.told) == 1


def certify(folder: Path, name: str) -> ssl.SSLContext:
    """Make a server's certificate for a name, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / "certificate").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate", folder / "key")
    return context


@pytest.mark.parametrize(("name", "status"), [("localhost", 200), ("other.example", None)])
async def test_the_certificate_must_be_that_of_the_name(tmp_path: Path, name: str, status: int | None) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    receiver = Receiver()
    server = await asyncio.start_server(receiver.take, "127.0.0.1", 0, ssl=certify(tmp_path, name))
    trusted = ssl.create_default_context(cafile=str(tmp_path / "certificate"))
    async with server:
        port = server.sockets[0].getsockname()[1]
        sender = Sender(Outgoing(allows_loopback=True), resolve, trusted=trusted)
        verdict = await sender.post(f"https://localhost:{port}/", {}, b"{}")

    assert (verdict.status, verdict.error) == (status, None if status else "tls_failed")
    assert len(receiver.told) == bool(status)


async def test_who_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rapport_chassis.webhooks.sending.SECONDS_MAX", 0.1)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()
        over.set()

    over = asyncio.Event()
    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        verdict = await Sender(Outgoing(allows_loopback=True), local).post(f"http://127.0.0.1:{port}/", {}, b"{}")
        await asyncio.wait_for(over.wait(), 5)

    assert (verdict.error, verdict.is_delivered) == ("timeout", False)


async def local(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]
