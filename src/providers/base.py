"""What a provider is: the facts that differ between vendors of one wire format."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from call import Ask, Call, Target
from dialects.base import Dialect
from errors import BadHeader
from ports import Run
from signing.base import Authorize

# What every parser reads alike: no user, no port, no backslash, nothing that is not printable.
_CHOSEN = re.compile(
    r"https://((?:(?!xn--)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]+)(?:/([!-\[\]-~]*))?"
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


@dataclass(frozen=True, slots=True)
class Named:
    """The request to a model that is run by its name alone."""

    path: str
    body: Mapping[str, Any]
    query: str = ""


_CHAT = "chat/completions"


def _task(model: str, inputs: Mapping[str, Any]) -> str:
    """Return the path of OpenAI's API for inputs, whose fields tell one task from another."""
    if "messages" in inputs or not {"input", "prompt"} & inputs.keys():
        return _CHAT
    if "prompt" in inputs:
        return "images/generations" if re.search("image|dall-e", model) else "completions"
    if "voice" in inputs:
        return "audio/speech"
    return "embeddings" if "embed" in model else "responses"


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
    bound: Callable[[Call], Run] | None = None
    """How the platform runs its models where nobody has a key. Raises BadPath."""
    authors: tuple[str, ...] = ()
    """What may stand before the slash in the name of a model, besides the slug."""
    spelling: Callable[[str], str] = str
    """The name of a model as others write it, to the vendor's own."""
    named: Callable[[str, Mapping[str, Any]], "Named"] | None = None
    """Where a model that is run by its name goes, where the example does not tell."""
    output: Callable[[str], str] | None = None
    """What of an answer in JSON a run by name gives. None: all of it."""
    secret: tuple[str, ...] = ()
    """Where it hands out credentials, or is given them: whole segments that such paths have."""

    @property
    def forwarded(self) -> tuple[str, ...]:
        """The request headers that this vendor reads."""
        return (*self.key.headers, *self.headers)

    def ask(self, target: Target, headers: Mapping[str, str], body: str | None) -> Ask:
        """Return what a request wants, wherever its headers send it."""
        path, query = target.path, target.query
        if self.chooser and (parts := _CHOSEN.fullmatch(headers.get(self.chooser, ""))):
            path, _, query = (parts[2] or "").partition("?")
        ask = self.dialect.ask(path, body, query)
        if self.secret and _has_one_of(self.secret, path):
            return replace(ask, secret=True)
        return ask

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

    def request(self, model: str, inputs: Mapping[str, Any]) -> Named | None:
        """Return the request to a model that is run by its name. None where there is no such way.

        Vendors whose example names the model in its body take the inputs beside it.
        """
        model = self.spelling(model)
        if self.named:
            return self.named(model, inputs)
        path = self.example.path
        before, chat, _ = path.partition(_CHAT)
        if '"model"' not in self.example.body or (self.address and before not in ("", "v1/")):
            return None
        path = f"{before}{_task(model, inputs)}" if chat else path
        return Named(path, {**inputs, "model": model})

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


# The paths of a gateway are few, and each request asks.
@lru_cache(256)
def _has_one_of(parts: tuple[str, ...], path: str) -> bool:
    """Return whether a path has one of these as whole segments."""
    segments = f"/{unquote(path)}/"
    return any(f"/{part}/" in segments for part in parts)
