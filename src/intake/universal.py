"""The universal endpoint's body: a list of targets, tried in their order.

https://developers.cloudflare.com/ai-gateway/usage/universal/
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from pydantic_core import from_json

from call import Target
from errors import BadUniversal
from intake.routes import FIXED, is_fixed
from outside import HEADER_NAME

ENTRIES = 10
"""The most targets that one request may have."""

# `config` says in words of its own what these headers say.
_CONFIG = {
    "requestTimeout": "cf-aig-request-timeout",
    "maxAttempts": "cf-aig-max-attempts",
    "retryDelay": "cf-aig-retry-delay",
    "backoff": "cf-aig-backoff",
    "cacheTtl": "cf-aig-cache-ttl",
    "skipCache": "cf-aig-skip-cache",
    "cacheKey": "cf-aig-cache-key",
}
_SLUG = re.compile("[a-z0-9][a-z0-9_-]*")
# Printable, and without what a parser of URLs would read as more than a path and a query.
_ENDPOINT = re.compile(r"[!-\[\]-~]*")
_VALUE = re.compile(r"[\t -~\x80-\xff]*")


@dataclass(frozen=True, slots=True)
class Entry:
    """One target, and what is sent to it."""

    target: Target
    headers: Mapping[str, str]
    """Names in lower case. `config` is among them, as headers."""
    body: str
    """JSON."""


def entries(text: str | None) -> list[Entry]:
    """Return the entries of a body: an array of them, or a single one. Raises BadUniversal."""
    if text is None:
        raise BadUniversal("it has no body, or one of more than 10 MB", "Send an array of entries")
    try:
        parsed: object = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise BadUniversal(f"the body is not JSON: {error}", "Send an array of entries") from None
    given = cast("list[object]", parsed) if isinstance(parsed, list) else [parsed]
    if not 1 <= len(given) <= ENTRIES:
        raise BadUniversal(f"it has {len(given)} entries", f"Send 1 to {ENTRIES}")
    return [entry(one, f"entry {index}") for index, one in enumerate(given)]


def entry(given: object, where: str) -> Entry:
    """Return one entry. `where` is what an error calls it. Raises BadUniversal."""
    if not isinstance(given, dict):
        raise BadUniversal(where, "Send an object with `provider`, `endpoint`, `headers`, `query`")
    fields = cast("dict[str, Any]", given)
    provider, path, query = _target(fields, where)
    if "query" not in fields:
        raise BadUniversal(f"{where}, field `query`", "Send the body for the provider")
    try:
        body = json.dumps(
            fields["query"], ensure_ascii=False, separators=(",", ":"), allow_nan=False
        )
    except ValueError:
        raise BadUniversal(f"{where}, field `query`", "Use numbers that JSON can write") from None
    headers = {"content-type": "application/json", **dict(_headers(fields, where))}
    return Entry(Target(provider, path, query), headers, body)


def _target(fields: dict[str, Any], where: str) -> tuple[str, str, str]:
    provider, endpoint = fields.get("provider"), fields.get("endpoint")
    if not isinstance(provider, str) or not _SLUG.fullmatch(provider):
        raise BadUniversal(f"{where}, field `provider` is {provider!r}", "Use a provider's slug")
    if not isinstance(endpoint, str):
        raise BadUniversal(f"{where}, field `endpoint` is {endpoint!r}", "Use the provider's path")
    path, _, query = endpoint.lstrip("/").partition("?")
    # What stands behind the question mark may be a key, and is not told.
    told = f"{where}, field `endpoint` is {path!r}"
    if not _ENDPOINT.fullmatch(endpoint) or "#" in endpoint:
        raise BadUniversal(told, "Use the provider's path, percent-encoded")
    if not is_fixed(path):
        raise BadUniversal(told, FIXED)
    return provider, path, query


def _headers(fields: dict[str, Any], where: str) -> Iterator[tuple[str, str]]:
    config, headers = _object(fields, "config", where), _object(fields, "headers", where)
    for name, value in config.items():
        if name not in _CONFIG:
            rule = f"Use {', '.join(f'`{known}`' for known in _CONFIG)}"
            raise BadUniversal(f"{where}, field `config.{name}`", rule)
        yield _CONFIG[name], _text(value)
    # The oldest form of an entry has it beside the headers.
    if isinstance(fields.get("authorization"), str):
        headers = {"authorization": fields["authorization"], **headers}
    for name, value in headers.items():
        written = _text(value)
        if not (HEADER_NAME.fullmatch(name) and _VALUE.fullmatch(written)):
            rule = "Use names and values that HTTP allows"
            raise BadUniversal(f"{where}, field `headers`, header {name!r}", rule)
        if value is not None:
            yield name.lower(), written


def _object(fields: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    value: object = fields.get(name) or {}
    if not isinstance(value, dict):
        # Not the value: whoever sends headers as a text sends keys in it.
        kind = type(value).__name__
        raise BadUniversal(f"{where}, field `{name}` is a {kind}", "Send an object")
    return cast("dict[str, Any]", value)


def _text(value: object) -> str:
    # As the Workers binding writes what is not a string.
    return value if isinstance(value, str) else json.dumps(value)
