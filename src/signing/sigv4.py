"""AWS Signature Version 4, and the API keys that some services of AWS take in its place.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal, NotRequired
from urllib.parse import quote, unquote, urlsplit

from pydantic import StringConstraints, TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

from errors import BadKey
from ports import Outgoing
from signing.base import Authorize, Means

_ALGORITHM = "AWS4-HMAC-SHA256"
_FORM = (
    "store a Bedrock API key, or JSON with `accessKeyId`, `secretAccessKey` and, of temporary "
    "credentials, `sessionToken`"
)
_PLAIN = re.compile("[!-~]+")
# What is signed besides the host and the time. Nothing that is changed or added on the way, such
# as the user agent or the accepted encodings, may be.
_SIGNED = ("content-type", "x-amz-security-token")
_SIGNED_PREFIX = "x-amzn-bedrock-"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Whose signature it is."""

    access_key: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    """Of temporary credentials."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a signature holds, on its day."""

    region: str
    service: str


_Word = Annotated[str, StringConstraints(pattern=f"^{_PLAIN.pattern}$")]


class _Stored(TypedDict):
    accessKeyId: _Word
    secretAccessKey: _Word
    sessionToken: NotRequired[_Word | Literal[""] | None]


_STORED = TypeAdapter(_Stored)


def sign(
    outgoing: Outgoing, payload: bytes, who: Credentials, scope: Scope, now: float
) -> dict[str, str]:
    """Return a request's headers with its signature. Names in lower case; `now` in epoch seconds.

    The headers must hold no signature yet. The path of the URL is signed as it is sent.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    headers = {**outgoing.headers, "x-amz-date": stamp}
    if who.token:
        headers["x-amz-security-token"] = who.token
    signed = {"host": outgoing.host, "x-amz-date": stamp} | {
        name: value
        for name, value in headers.items()
        if name in _SIGNED or name.startswith(_SIGNED_PREFIX)
    }
    names = ";".join(sorted(signed))
    area = f"{stamp[:8]}/{scope.region}/{scope.service}/aws4_request"
    asked = _canonical(outgoing, signed, names, payload)
    wanted = f"{_ALGORITHM}\n{stamp}\n{area}\n{_digest(asked.encode())}"
    signature = hmac.digest(_key(who.secret, area), wanted.encode(), "sha256").hex()
    headers["authorization"] = (
        f"{_ALGORITHM} Credential={who.access_key}/{area}, SignedHeaders={names}, "
        f"Signature={signature}"
    )
    return headers


def _canonical(outgoing: Outgoing, signed: Mapping[str, str], names: str, payload: bytes) -> str:
    url = urlsplit(outgoing.url)
    lines = [f"{name}:{' '.join(signed[name].split())}\n" for name in sorted(signed)]
    parts = (
        outgoing.method,
        _path(url.path),
        _query(url.query),
        "".join(lines),
        names,
        _digest(payload),
    )
    return "\n".join(parts)


def _path(path: str) -> str:
    """Return a path as it is signed: encoded once more than it is sent, without empty segments."""
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    end = "/" if segments and path.endswith("/") else ""
    return quote("/" + "/".join(segments), safe="/~") + end


def _query(query: str) -> str:
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    coded = [(_coded(name), _coded(value)) for name, _, value in pairs]
    return "&".join(f"{name}={value}" for name, value in sorted(coded))


def _coded(text: str) -> str:
    return quote(unquote(text), safe="~")


def _key(secret: str, area: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in area.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def authorize(services: Mapping[str, str], bare: re.Pattern[str]) -> Authorize:
    """Return what authorises requests whose path begins `{surface}/{region}/`.

    `services` names the service that each surface is signed for. Paths that `bare` matches want an
    API key in `x-api-key`, all others behind `Bearer`. A stored key is an API key, or credentials
    in JSON, by which the request is signed. What a caller has signed passes untouched.

    What it returns raises BadKey for a stored key that is neither, and for a body that is too long
    to be signed, and ClientLeft.
    """

    async def authorize(
        key: str | None, path: str, outgoing: Outgoing, means: Means
    ) -> Mapping[str, str]:
        wants_bare = bool(bare.match(path))
        if key is None:
            return _moved(outgoing.headers) if wants_bare else outgoing.headers
        key, headers = key.strip(), _unsigned(outgoing.headers)
        if not key.startswith("{"):
            return headers | _bearing(key, wants_bare)
        who = _credentials(key)
        surface, _, rest = path.partition("/")
        scope = Scope(rest.partition("/")[0], services.get(surface, surface))
        payload = await _payload(outgoing)
        return sign(replace(outgoing, headers=headers), payload, who, scope, means.clock() / 1000)

    return authorize


def _moved(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return a caller's headers, with the API key among them in `x-api-key`."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return headers
    kept = {name: value for name, value in headers.items() if name != "authorization"}
    return {"x-api-key": key.strip()} | kept


def _unsigned(headers: Mapping[str, str]) -> dict[str, str]:
    """Return a caller's headers without those that authorise: what is stored does."""
    return {
        name: value
        for name, value in headers.items()
        if name not in ("authorization", "x-api-key") and not name.startswith("x-amz-")
    }


def _bearing(key: str, bare: bool) -> dict[str, str]:
    # What is no word would break the header, and is no key of AWS either.
    if not _PLAIN.fullmatch(key):
        raise BadKey(_FORM)
    return {"x-api-key": key} if bare else {"authorization": f"Bearer {key}"}


def _credentials(text: str) -> Credentials:
    try:
        stored = _STORED.validate_json(text)
    except ValidationError:
        # What pydantic says has the secret in it.
        raise BadKey(_FORM) from None
    return Credentials(stored["accessKeyId"], stored["secretAccessKey"], stored.get("sessionToken"))


async def _payload(outgoing: Outgoing) -> bytes:
    if outgoing.body is None:
        return b""
    text = await outgoing.body.text()
    if text is None:
        raise BadKey("a body over 10 MB cannot be signed; send it with a Bedrock API key")
    return text.encode()
