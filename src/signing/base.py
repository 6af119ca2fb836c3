"""What a way to authorise a request is given, and what it gives."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass

from ports import Clock, Crypto, Fetch, Outgoing


@dataclass(frozen=True, slots=True)
class Minted:
    """An access token that was made of a key."""

    token: str
    until: float
    """Epoch milliseconds."""


@dataclass(frozen=True, slots=True)
class Means:
    """What may be used to authorise a request."""

    fetch: Fetch
    crypto: Crypto
    clock: Clock
    minted: MutableMapping[str, Minted]
    """The access tokens that this isolate holds, by a digest of what they were made of."""


Authorize = Callable[[str | None, str, Outgoing, Means], Awaitable[Mapping[str, str]]]
"""(stored key, the caller's path, request, means) to the headers that the request is sent with.

The key is None where the caller's own is among the headers. Raises GatewayError.
"""
