"""Google's service accounts: a private key that signs for an access token.

https://developers.google.com/identity/protocols/oauth2/service-account#httprest
"""

import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, cast
from urllib.parse import urlencode

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

from errors import BadKey, Unreachable
from ports import Crypto, CryptoError, Incoming, Outgoing, TextBody
from signing.base import Means, Minted

_HOST = "oauth2.googleapis.com"
# Pinned: a key may come from a caller, and must not choose where its signature is sent.
_TOKEN_URL = f"https://{_HOST}/token"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"

_LONGEST = 20_000
"""Characters of a key. Google's files have some 2 400."""
_MOST = 1000
"""Tokens that are held at a time."""
_LIFE = 3600
"""Seconds: Google grants no more."""
_BACK = 30
"""Seconds by which a signature is dated back, for clocks that go fast."""
_EARLY = 300
"""Seconds before its end at which a token is used no more."""

# The older kind of key, and the one that is bound to a service account.
# https://docs.cloud.google.com/docs/authentication/api-keys
_API_KEYS = ("AIza", "AQ.")
_KEY_HEADERS = ("authorization", "x-goog-api-key")

_PEM = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----")
_PKCS1 = "-----BEGIN RSA PRIVATE KEY-----"

# What Google says of itself, not of the key, whatever the status: google-auth asks again then.
# https://github.com/googleapis/google-auth-library-python/blob/main/google/oauth2/_client.py
_PASSING = ("internal_failure", "server_error", "temporarily_unavailable")


class _Key(TypedDict, total=False):
    client_email: Any
    private_key: Any
    private_key_id: Any
    token_uri: Any


class _Answer(TypedDict, total=False):
    access_token: Any
    expires_in: Any
    error: Any
    error_description: Any


_KEY = TypeAdapter(_Key)
_ANSWER = TypeAdapter(_Answer)


@dataclass(frozen=True, slots=True)
class _Account:
    email: str
    private_key: str
    """PEM."""
    key_id: str | None

    @property
    def digest(self) -> str:
        """What its token is held under. All of the key: who has a part of it gets no token."""
        parts = [self.email, self.key_id, self.private_key]
        return sha256(json.dumps(parts).encode()).hexdigest()


async def authorize(
    key: str | None, _path: str, outgoing: Outgoing, means: Means
) -> Mapping[str, str]:
    """Return the headers of a request with an access token, or an API key, in them.

    A key is the JSON of a service account, its base64, an API key or a ready access token. What a
    caller sends as `Authorization: Bearer …` is read alike, except that an API key stays there. A
    `region` in the JSON is not read: the path tells it. Raises BadKey, Unreachable and ClientLeft.
    """
    given = _bearer(outgoing.headers) if key is None else key.strip()
    if account := _account(given):
        return _with(outgoing.headers, "authorization", f"Bearer {await _token(account, means)}")
    if key is None:
        return outgoing.headers
    if given.startswith(_API_KEYS):
        return _with(outgoing.headers, "x-goog-api-key", given)
    return _with(outgoing.headers, "authorization", f"Bearer {given}")


def _bearer(headers: Mapping[str, str]) -> str:
    scheme, _, credential = headers.get("authorization", "").partition(" ")
    return credential.strip() if scheme.lower() == "bearer" else ""


def _with(headers: Mapping[str, str], name: str, value: str) -> dict[str, str]:
    others = {other: text for other, text in headers.items() if other not in _KEY_HEADERS}
    return others | {name: value}


def _account(given: str) -> _Account | None:
    """Return the service account that is given. None for what is no JSON. Raises BadKey."""
    written = given.startswith("{")
    if written and len(given) > _LONGEST:
        raise BadKey(f"it has more than {_LONGEST} characters")
    fields = _read(given.encode("utf-8", "replace") if written else _decoded(given))
    if fields is not None:
        return _checked(fields)
    if written:
        raise BadKey("it begins like JSON and is none")
    return None


def _decoded(given: str) -> bytes:
    """Return what base64 stands for. Nothing in place of anything else."""
    if len(given) > _LONGEST:
        return b""
    # Of either alphabet, in one line or in several, padded or not.
    packed = "".join(given.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except ValueError:
        return b""


def _read(data: bytes) -> _Key | None:
    try:
        return _KEY.validate_json(data)
    except ValidationError:
        return None


def _checked(fields: _Key) -> _Account:
    email, private_key = fields.get("client_email"), fields.get("private_key")
    if not (isinstance(email, str) and isinstance(private_key, str)):
        raise BadKey(
            "it is JSON, but not that of a service account, which has `client_email` and "
            "`private_key`"
        )
    if fields.get("token_uri", _TOKEN_URL) != _TOKEN_URL:
        raise BadKey(f"its `token_uri` is not {_TOKEN_URL}")
    key_id = fields.get("private_key_id")
    return _Account(email, private_key, key_id if isinstance(key_id, str) else None)


async def _token(account: _Account, means: Means) -> str:
    name = account.digest
    held = means.minted.get(name)
    if held and held.until > means.clock():
        return held.token
    minted = await _mint(account, means)
    # Callers bring keys of their own, and nobody else would tidy up.
    if len(means.minted) >= _MOST:
        means.minted.clear()
    means.minted[name] = minted
    return minted.token


async def _mint(account: _Account, means: Means) -> Minted:
    begun = means.clock()
    assertion = await _assertion(account, int(begun / 1000) - _BACK, means.crypto)
    incoming = await means.fetch(_request(assertion))
    answer = await _answer(incoming)
    token = answer.get("access_token")
    if incoming.status == 200 and isinstance(token, str) and token:
        return Minted(token, begun + (_seconds(answer.get("expires_in")) - _EARLY) * 1000)
    if 400 <= incoming.status < 500 and not _passes(incoming.status, answer):
        raise BadKey(f"Google gives no token for it: {_words(incoming.status, answer)}")
    raise Unreachable(_HOST, means.clock() - begun)


def _request(assertion: str) -> Outgoing:
    headers = {
        "accept": "application/json",
        "accept-encoding": "identity",
        "content-type": "application/x-www-form-urlencoded",
    }
    form = urlencode({"grant_type": _GRANT, "assertion": assertion})
    return Outgoing("POST", _TOKEN_URL, _HOST, headers, TextBody(form))


async def _answer(incoming: Incoming) -> _Answer:
    if incoming.body is None:
        return {}
    await incoming.body.hold(error=True)
    if not incoming.body.held:
        return {}
    try:
        return _ANSWER.validate_json((await incoming.body.watch()).text or "")
    except ValidationError:
        return {}


def _seconds(value: object) -> float:
    # A token that does not tell its end is used once.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return min(value, _LIFE)


def _passes(status: int, answer: _Answer) -> bool:
    return status in (408, 429) or answer.get("error") in _PASSING


def _words(status: int, answer: _Answer) -> str:
    """Return what Google says is wrong: OAuth's two words or, of its other APIs, an object's."""
    error: object = answer.get("error")
    fields = cast("dict[str, object]", error) if isinstance(error, dict) else {}
    oauth: list[object] = [error, answer.get("error_description")]
    said = [*oauth, fields.get("status"), fields.get("message")]
    words = ": ".join(word for word in said if isinstance(word, str))
    return words[:500] or f"it answers with status {status}"


async def _assertion(account: _Account, now: int, crypto: Crypto) -> str:
    """Return a signed JSON Web Token (RFC 7519). `now` is in seconds. Raises BadKey."""
    header = {"alg": "RS256", "typ": "JWT"} | ({"kid": account.key_id} if account.key_id else {})
    claims = {
        "iss": account.email,
        "scope": _SCOPE,
        "aud": _TOKEN_URL,
        "iat": now,
        "exp": now + _LIFE,
    }
    signed = ".".join(_packed(json.dumps(part).encode()) for part in (header, claims))
    try:
        signature = await crypto.sign(_der(account.private_key), signed.encode())
    except CryptoError:
        raise BadKey("its `private_key` is no RSA key in PKCS#8") from None
    return f"{signed}.{_packed(signature)}"


def _packed(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _der(pem: str) -> bytes:
    """Return the key that a PEM text holds. Raises BadKey."""
    if _PKCS1 in pem:
        raise BadKey(
            "its `private_key` is PKCS#1 (BEGIN RSA PRIVATE KEY), where Google's files have PKCS#8 "
            "(BEGIN PRIVATE KEY); `openssl pkcs8 -topk8 -nocrypt` converts it"
        )
    begin, end = _PEM
    # Environment variables often leave the ends of lines as a backslash and an n.
    inner = pem.replace("\\n", "\n").partition(begin)[2].partition(end)[0]
    try:
        der = b64decode("".join(inner.split()), validate=True)
    except ValueError:
        der = b""
    if not der:
        raise BadKey("its `private_key` is no PEM (BEGIN PRIVATE KEY)")
    return der
