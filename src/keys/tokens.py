"""The gateway's own tokens: what they look like, and where callers put them."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping

PREFIX = "slu_"
"""What every token begins with, so that it is known for one wherever it turns up."""

HEADER = "cf-aig-authorization"
PROTOCOL = f"{HEADER}."
"""What a browser puts before a token in `sec-websocket-protocol`: it can set no other header."""

# Where SDKs put a provider's key, and so the gateway's token where the gateway has that key.
_KEY_HEADERS = ("authorization", "x-api-key", "x-goog-api-key", "api-key", "xi-api-key")


def make() -> str:
    """Return a new token: 256 bits of entropy."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def presented(headers: Mapping[str, str]) -> str | None:
    """Return the token that a request shows, or None.

    It stands in `cf-aig-authorization`, with or without `Bearer`; in a WebSocket's protocols; or,
    where it is one of ours, in place of the provider's key.
    """
    if header := headers.get(HEADER):
        return _bare(header)
    if protocols := headers.get("sec-websocket-protocol"):
        names = [name.strip() for name in protocols.split(",")]
        shown = [name.removeprefix(PROTOCOL) for name in names if name.startswith(PROTOCOL)]
        if shown:
            return shown[0]
    values = (_bare(headers[name]) for name in _KEY_HEADERS if name in headers)
    return next((value for value in values if value.startswith(PREFIX)), None)


def _bare(header: str) -> str:
    scheme, _, rest = header.strip().partition(" ")
    return rest.strip() if rest else scheme


def same(given: str | None, token: str | None) -> bool:
    """Return whether two tokens are the same, in time that does not tell how nearly."""
    if given is None or token is None:
        return False
    return hmac.compare_digest(given.encode(), token.encode())
