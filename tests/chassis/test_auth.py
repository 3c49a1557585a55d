"""Who is let in."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from rapport_chassis.auth import KEYS_SECONDS_MAX, Caller, Issuer, TokenRefused, Verifier
from rapport_chassis.keysets import KeysUnreachable, public_keys
from tests.chassis.tokens import ISSUER, KeySet, claims, make_key, sign

OURS = make_key()
THEIRS = make_key("theirs")
SAME_NAME = make_key("first")
HOUR = 3_600


def verifier(clock: Callable[[], float] = time.time) -> Verifier:
    return Verifier([Issuer(ISSUER, KeySet(OURS))], clock=clock)


def _part(members: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(members).encode()).rstrip(b"=").decode()


def _unsigned(algorithm: str) -> str:
    return f"{_part({'alg': algorithm, 'kid': 'first'})}.{_part(claims())}."


def _with_public_key_as_secret(encoding: bytes) -> str:
    text = f"{_part({'alg': 'HS256', 'kid': 'first'})}.{_part(claims())}"
    mark = hmac.new(encoding, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"


def _other_claims() -> str:
    header, _, signature = sign(OURS).split(".")
    return f"{header}.{_part(claims(tenant='rival'))}.{signature}"


def _flipped() -> str:
    header, body, signature = sign(OURS).split(".")
    raw = bytearray(base64.urlsafe_b64decode(signature + "=="))
    raw[5] ^= 1
    return f"{header}.{body}.{base64.urlsafe_b64encode(bytes(raw)).rstrip(b'=').decode()}"


def _signed_as(algorithm: str, key: OctKey | RSAKey | ECKey) -> str:
    return jwt.encode({"alg": algorithm, "kid": "first"}, claims(), key, algorithms=[algorithm])


PEM = OURS.as_pem(private=False)
RAW = OURS.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
NOW = int(time.time())

FORGED: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "no token at all": lambda: "let-me-in",
    "two parts": lambda: ".".join(sign(OURS).split(".")[:2]),
    "four parts": lambda: sign(OURS) + ".x",
    "five parts, as if encrypted": lambda: "a.b.c.d.e",
    "no base64": lambda: "%%%.%%%.%%%",
    "header that is a list": lambda: f"{_part([])}.{_part(claims())}.x",
    "claims that are a list": lambda: f"{_part({'alg': 'ES256', 'kid': 'first'})}.{_part([])}.x",
    "deeply nested header": lambda: (
        base64.urlsafe_b64encode(b"[" * 5_000 + b"]" * 5_000).rstrip(b"=").decode()[:8_000] + ".e30.x"
    ),
    "longer than 8 KiB": lambda: sign(OURS, padding="x" * 9_000),
    "algorithm none": lambda: _unsigned("none"),
    "algorithm None": lambda: _unsigned("None"),
    "algorithm nOnE": lambda: _unsigned("nOnE"),
    "no algorithm": lambda: f"{_part({'kid': 'first'})}.{_part(claims())}.x",
    "ES256 without signature": lambda: _unsigned("ES256"),
    "HS256 with the public key (PEM) as secret": lambda: _with_public_key_as_secret(PEM),
    "HS256 with the public key (DER) as secret": lambda: _with_public_key_as_secret(RAW),
    "HS256 with an empty secret": lambda: _with_public_key_as_secret(b""),
    "RS256 by a key of its own": lambda: _signed_as("RS256", RSAKey.generate_key(2048, {"kid": "first"})),
    "HS256 by a key of its own": lambda: _signed_as("HS256", OctKey.generate_key(256, {"kid": "first"})),
    "ES384": lambda: _signed_as("ES384", ECKey.generate_key("P-384", {"kid": "first"})),
    "another's key under our key id": lambda: sign(SAME_NAME),
    "another's key under its own id": lambda: sign(THEIRS),
    "a key that the token brings along": lambda: sign(
        SAME_NAME, {"jwk": SAME_NAME.as_dict(private=False), "jku": "https://rival.example/jwks"}
    ),
    "key id that is a path": lambda: sign(OURS, {"kid": "../../dev/null"}),
    "key id that is SQL": lambda: sign(OURS, {"kid": "x' UNION SELECT 'key"}),
    "no key id": lambda: sign(OURS, {"kid": ""}),
    "critical extension": lambda: f"{_part({'alg': 'ES256', 'kid': 'first', 'crit': ['b64'], 'b64': False})}.e30.x",
    "another type of token": lambda: sign(OURS, {"typ": "logout+jwt"}),
    "other claims under our signature": _other_claims,
    "one bit of the signature flipped": _flipped,
    "another issuer": lambda: sign(OURS, iss="https://rival.example"),
    "no issuer": lambda: sign(OURS, iss=None),
    "issuer that is a list": lambda: sign(OURS, iss=[ISSUER]),
    "meant for others": lambda: sign(OURS, aud="billing"),
    "meant for nobody": lambda: sign(OURS, aud=None),
    "meant for an empty list": lambda: sign(OURS, aud=[]),
    "expired an hour ago": lambda: sign(OURS, exp=NOW - HOUR),
    "never expires": lambda: sign(OURS, exp=None),
    "expiry that is a text": lambda: sign(OURS, exp="tomorrow"),
    "expiry without end": lambda: sign(OURS, exp=float("inf")),
    "not yet valid": lambda: sign(OURS, nbf=NOW + HOUR),
    "issued in the future": lambda: sign(OURS, iat=NOW + HOUR),
    "no tenant": lambda: sign(OURS, tenant=None),
    "empty tenant": lambda: sign(OURS, tenant=""),
    "tenant with a colon": lambda: sign(OURS, tenant="acme:rival"),
    "tenant that is a list": lambda: sign(OURS, tenant=["acme"]),
    "no subject": lambda: sign(OURS, sub=None),
    "subject with a line break": lambda: sign(OURS, sub="clerk\nadmin"),
    "scope that is a list": lambda: sign(OURS, scope=["operator"]),
}


@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_token_is_refused(name: str) -> None:
    with pytest.raises(TokenRefused):
        await verifier().verify(FORGED[name]())


async def test_the_corpus_of_forged_tokens_is_large_enough() -> None:
    assert len(FORGED) >= 40


async def test_a_token_of_ours_says_tenant_subject_and_scopes() -> None:
    caller = await verifier().verify(sign(OURS, scope="interactions:read operator"))

    assert caller == Caller("acme", "clerk-7", frozenset({"interactions:read", "operator"}))  # type: ignore[arg-type]


async def test_an_audience_may_be_one_of_several() -> None:
    assert (await verifier().verify(sign(OURS, aud=["billing", "rapport"]))).tenant == "acme"


@pytest.mark.parametrize(("claim", "way"), [("exp", -1), ("nbf", 1), ("iat", 1)])
async def test_clocks_may_differ_by_five_minutes(claim: str, way: int) -> None:
    now = int(time.time())
    assert (await verifier(lambda: now).verify(sign(OURS, **{claim: now + way * 299}))).subject == "clerk-7"
    with pytest.raises(TokenRefused):
        await verifier(lambda: now).verify(sign(OURS, **{claim: now + way * 301}))


async def test_a_verified_token_is_remembered_no_longer_than_it_is_valid() -> None:
    now = time.time()
    desk = verifier(lambda: now)
    token = sign(OURS, exp=int(now) + 10)
    await desk.verify(token)

    now += 311

    with pytest.raises(TokenRefused):
        await desk.verify(token)


async def test_a_withdrawn_key_stops_working_within_five_minutes() -> None:
    ticks = 0.0
    keys = KeySet(OURS, THEIRS)
    desk = Verifier([Issuer(ISSUER, keys)], ticks=lambda: ticks)
    token = sign(OURS)
    await desk.verify(token)
    keys.keys = [THEIRS]
    assert (await desk.verify(token)).tenant == "acme"

    ticks += KEYS_SECONDS_MAX

    with pytest.raises(TokenRefused):
        await desk.verify(token)


async def test_a_new_key_is_found_without_a_restart() -> None:
    ticks = 0.0
    keys = KeySet(OURS)
    desk = Verifier([Issuer(ISSUER, keys)], ticks=lambda: ticks)
    await desk.verify(sign(OURS))
    keys.keys.append(THEIRS)
    ticks += 61

    assert (await desk.verify(sign(THEIRS))).tenant == "acme"


async def test_a_flood_of_unknown_keys_asks_for_the_key_set_once_a_minute() -> None:
    ticks = 0.0
    keys = KeySet(OURS)
    desk = Verifier([Issuer(ISSUER, keys)], ticks=lambda: ticks)

    async def knock(number: int) -> None:
        with pytest.raises(TokenRefused):
            await desk.verify(sign(make_key(f"unknown-{number}")))

    for _ in range(4):
        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(knock(number))
        ticks += 25

    assert keys.fetches == 2


async def test_without_any_keys_nothing_can_be_said() -> None:
    class Away:
        async def fetch(self) -> bytes:
            raise KeysUnreachable

    with pytest.raises(KeysUnreachable):
        await Verifier([Issuer(ISSUER, Away())]).verify(sign(OURS))


async def test_an_issuer_signs_only_for_itself() -> None:
    desk = Verifier([Issuer(ISSUER, KeySet(OURS)), Issuer("https://second.example", KeySet(THEIRS))])

    assert (await desk.verify(sign(THEIRS, iss="https://second.example"))).tenant == "acme"
    with pytest.raises(TokenRefused):
        await desk.verify(sign(THEIRS, iss=ISSUER))


async def test_the_memory_of_tokens_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rapport_chassis.auth.CACHED_TOKENS_MAX", 2)
    now = time.time()
    desk = verifier(lambda: now)
    tokens = [sign(OURS, sub=f"clerk-{number}", exp=int(now) + 10) for number in range(3)]
    callers = [await desk.verify(token) for token in tokens]
    # What is remembered is not verified again, so it needs no key.
    monkeypatch.setattr("rapport_chassis.auth.jwt.decode", None)

    assert [await desk.verify(token) for token in tokens[1:]] == callers[1:]
    with pytest.raises(TypeError):
        await desk.verify(tokens[0])


def test_of_a_key_set_only_public_signing_keys_on_our_curve_count() -> None:
    members = [
        OURS.as_dict(private=True),
        {**THEIRS.as_dict(private=False), "use": "enc"},
        {**THEIRS.as_dict(private=False), "alg": "ES384", "use": "sig"},
        RSAKey.generate_key(2048, {"kid": "rsa"}).as_dict(private=False),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "oct"},
        "nonsense",
    ]

    keys = public_keys(json.dumps({"keys": members}).encode())

    assert list(keys) == ["first"]
    assert not keys["first"].is_private


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"keys": 3}', b'{"keys": []}', b"\xff", b"[" * 200_000])
def test_what_is_no_key_set_is_refused(text: bytes) -> None:
    with pytest.raises(KeysUnreachable):
        public_keys(text)
