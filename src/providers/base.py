"""What a provider is: the facts that differ between vendors of one wire format."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from dialects.base import Dialect
from errors import BadHeader
from signing.base import Authorize

# What every parser reads alike: no user, no port, no backslash, nothing that is not printable.
_CHOSEN = re.compile(
    r"https://((?:(?!xn--)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]+)(?:/[!-\[\]-~]*)?"
)


_USER = re.compile("//.*@", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Key:
    """Where a vendor looks for its key."""

    header: str = "authorization"
    """Where a stored key goes."""
    form: str = "Bearer {}"
    """How it is written there."""
    also: tuple[str, ...] = ()
    """Other headers in which callers may send theirs."""
    parameter: str | None = None
    """The parameter of the query in which they may."""
    protocol: str | None = None
    """What browsers put before a key in a WebSocket's protocols, where the vendor does not look."""
    protocols: tuple[str, ...] = ()
    """With what the protocols begin in which the vendor does look."""

    @property
    def headers(self) -> tuple[str, ...]:
        """The headers that may hold a key."""
        return (self.header, *self.also)

    def given(self, headers: Mapping[str, str], query: str) -> bool:
        """Return whether a request brings a key."""
        held = any(headers.get(name) for name in self.headers)
        return held or bool(self.parameter and self.parameter in parse_qs(query))


Address = Callable[[str, str], str]
"""(account, path) to the URL, without its query. Raises BadPath."""


@dataclass(frozen=True, slots=True)
class Example:
    """A request that works, for people to paste and for tests to send."""

    path: str
    body: str
    """JSON."""
    headers: tuple[str, ...] = ()
    """Besides the key and the content type, as curl writes them: `name: value`."""


def chat(path: str, model: str) -> Example:
    """Return an example of a chat in OpenAI's manner, which many vendors share."""
    messages = [{"role": "user", "content": "Hello!"}]
    return Example(path, json.dumps({"model": model, "messages": messages}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A vendor, as data."""

    base_url: str
    """What a caller's path is appended to. No slash at its end."""
    docs: str
    dialect: Dialect
    prefixes: tuple[str, ...] = ()
    """What some clients repeat of the end of `base_url`: `openai/v1`, `v1`. One is removed."""
    key: Key = Key()
    headers: tuple[str, ...] = ()
    """Request headers that this vendor reads, lower case, besides its key and what HTTP gives all.

    A name that ends in `*` stands for all that begin so.
    """
    meters: tuple[str, ...] = ("tokens",)
    """What its answers are metered in."""
    prices: str | None = None
    """Its name in the table of prices (`price_table`), where it is there."""
    example: Example
    address: Address | None = None
    """Where the host is derived from the path: `base_url` is then its pattern, for people."""
    chooser: str | None = None
    """The request header that replaces the whole URL."""
    hosts: tuple[str, ...] = ()
    """The domains that it may name."""
    socket: Callable[[str, str], tuple[str, str]] | None = None
    """Where WebSockets go: the caller's path and query, to those of the vendor. None: nowhere."""
    alias: str | None = None
    """Another name that clients use for it."""
    authorize: Authorize | None = None
    """Where a key is not simply sent."""
    needs_key: bool = True
    otel_name: str | None = None
    """What it is called in traces (`gen_ai.provider.name`), where that is not its slug."""

    @property
    def forwarded(self) -> tuple[str, ...]:
        """The request headers that this vendor reads."""
        return (*self.key.headers, *self.headers)

    def url(self, account: str, path: str, query: str, replaced: str | None = None) -> str:
        """Return the address of a path, both with and without a repeated prefix.

        `replaced` takes the place of `base_url` or, where the host is derived from the path, of
        scheme and host. Raises BadPath.
        """
        if self.address:
            url = self.address(account, path)
            if replaced:
                url = replaced + urlsplit(url).path
        else:
            repeated = (f"{prefix}/" for prefix in self.prefixes)
            path = path.removeprefix(next(filter(path.startswith, repeated), ""))
            url = f"{replaced or self.base_url}/{path}"
        return url + (f"?{query}" if query else "")

    def chosen(self, url: str, replaced: str | None = None) -> str:
        """Return a URL that the caller chose whole, in the header `chooser`. Raises BadHeader."""
        parts = _CHOSEN.fullmatch(url)
        host = parts[1] if parts else ""
        if not any(host == domain or host.endswith(f".{domain}") for domain in self.hosts):
            rule = f"Use an https URL, without a port, on {' or '.join(self.hosts)}"
            # Without what may be a secret in it: a query, or a user.
            told = _USER.sub("//", url.partition("?")[0])
            raise BadHeader(self.chooser or "", told, rule)
        return url.replace(f"https://{host}", replaced or f"https://{host}", 1)
