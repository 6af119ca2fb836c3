"""WebSockets: how a request asks for one, and what of it a provider gets."""

from collections.abc import Mapping
from urllib.parse import unquote

from keys.tokens import PREFIX, PROTOCOL
from providers.base import Provider

_PROTOCOLS = "sec-websocket-protocol"


def asks_for_socket(headers: Mapping[str, str]) -> bool:
    """Return whether a request asks for a WebSocket."""
    return headers.get("upgrade", "").lower() == "websocket"


def socket_headers(headers: Mapping[str, str], provider: Provider) -> dict[str, str]:
    """Return the headers with which a provider is asked for a WebSocket, its key among them.

    A browser can set no header but the protocols, so keys stand there. Those of vendors that do not
    read them there become the header that they do read.
    """
    sent = {"upgrade": "websocket"}
    kept: list[str] = []
    for name in protocols(headers):
        if provider.key.protocol and name.startswith(provider.key.protocol):
            key = unquote(name.removeprefix(provider.key.protocol))
            sent[provider.key.header] = provider.key.form.format(key)
        else:
            kept.append(name)
    if kept:
        sent[_PROTOCOLS] = ", ".join(kept)
    return sent


def protocols(headers: Mapping[str, str]) -> list[str]:
    """Return the protocols that a caller offers, without the gateway's own token."""
    offered = (name.strip() for name in headers.get(_PROTOCOLS, "").split(","))
    return [name for name in offered if name and not name.startswith((PROTOCOL, PREFIX))]


def brings_key(headers: Mapping[str, str], provider: Provider) -> bool:
    """Return whether the protocols hold a key that the vendor reads there."""
    return any(name.startswith(provider.key.protocols) for name in protocols(headers))
