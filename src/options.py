"""What a caller asks of the gateway for one request: the `cf-aig-*` request headers.

A value that breaks its rule is refused with the header's name, the value and the rule. The
reference for names, ranges and defaults is Cloudflare AI Gateway's header glossary:
https://developers.cloudflare.com/ai-gateway/glossary/
"""

import re
from collections.abc import Callable, Mapping
from sys import float_info
from typing import Any, cast, get_args

from pydantic_core import from_json

from errors import BadHeader
from settings import ATTEMPTS, CACHE_TTL, DELAY_MS, Backoff
from values import value

Metadata = dict[str, str | int | float | bool]

METADATA_ENTRIES = 5
"""Entries that are kept. The contract keeps the first five and drops the rest."""
TIMEOUT_MS = 2**31 - 1
"""The longest delay that a JavaScript timer can hold."""
EVENT_ID_LENGTH = 256
CACHE_KEY_LENGTH = 512
ALIAS = re.compile("[A-Za-z0-9._-]{1,64}")
"""What the alias of a stored key may be."""
DEPRECATED = {"cf-cache-ttl": "cf-aig-cache-ttl", "cf-skip-cache": "cf-aig-skip-cache"}
"""What headers were called once, and what they are called today."""
JSON_LENGTH = 8192
"""Characters of a header that holds JSON, which bounds its keys and its depth."""
PRICE = 1_000_000
"""The highest price, in USD, that a caller may set."""

_HEX = re.compile("[0-9A-Fa-f]+")
_PER_TOKEN = {"per_token_in", "per_token_out", "per_cache_read_token", "per_cache_write_token"}


@value
class CustomCost:
    """A caller's own prices, in USD: for each token, or (`total_cost`) for the whole."""

    per_token_in: float = 0.0
    per_token_out: float = 0.0
    per_cache_read_token: float | None = None
    """None: as for other tokens of the prompt."""
    per_cache_write_token: float | None = None
    total_cost: float | None = None


@value
class Options:
    """The `cf-aig-*` headers of a request. None where the caller did not say."""

    timeout: int | None = None
    """Milliseconds to the first byte of the answer, for each attempt."""
    max_attempts: int | None = None
    retry_delay: int | None = None
    """Milliseconds."""
    backoff: Backoff | None = None
    event_id: str | None = None
    byok_alias: str | None = None
    """Which of the stored keys is used, where the caller sends none."""
    metadata: Metadata | None = None
    cache_ttl: int | None = None
    """Seconds for which the answer is kept; 0 is not at all."""
    skip_cache: bool = False
    cache_key: str | None = None
    """What the answer is kept under, in place of a digest of the request."""
    collect_log: bool | None = None
    collect_payload: bool = True
    custom_cost: CustomCost | None = None
    otel_trace_id: str | None = None
    """The trace that the call belongs to."""
    otel_parent_span_id: str | None = None
    problem: BadHeader | None = None
    """The first header that breaks its rule. The request is refused, and logged."""

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> "Options":
        """Read the headers of a request (names in lower case). Raises nothing: see `problem`."""
        headers = renamed(headers)
        if _NAMES.isdisjoint(headers):
            return _NONE
        fields: dict[str, Any] = {}
        for field, (name, read) in _HEADERS.items():
            value = headers.get(name)
            if value is None:
                continue
            try:
                fields[field] = read(value)
            except _Broken as rule:
                fields.setdefault("problem", BadHeader(name, value, str(rule)))
        if "problem" in fields:
            # Whoever misspelt a wish for privacy still has it.
            fields["collect_payload"] = False
        return cls(**fields)


def renamed(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return headers in which deprecated names are those of today. What is named twice is new."""
    old = {
        name: headers[deprecated]
        for deprecated, name in DEPRECATED.items()
        if deprecated in headers
    }
    return old | dict(headers) if old else headers


class _Broken(Exception):
    pass


def _flag(value: str) -> bool:
    if value not in ("true", "false"):
        raise _Broken("Use `true` or `false`")
    return value == "true"


def _whole(least: int, most: int, unit: str) -> Callable[[str], int]:
    def read(value: str) -> int:
        # isdecimal alone would let other scripts' digits through; ten digits hold every limit.
        whole = value.isascii() and value.isdecimal() and len(value) <= 10
        if not (whole and least <= int(value) <= most):
            raise _Broken(f"Use a whole number of {unit}, {least} to {most}")
        return int(value)

    return read


def _cache_ttl(value: str) -> int:
    if value == "0":
        return 0
    try:
        return _whole(CACHE_TTL[0], CACHE_TTL[-1], "seconds")(value)
    except _Broken as rule:
        raise _Broken(f"{rule}, or 0 for no cache") from None


def _cache_key(value: str) -> str:
    if not 1 <= len(value) <= CACHE_KEY_LENGTH:
        raise _Broken(f"Use 1 to {CACHE_KEY_LENGTH} characters")
    return value


def _backoff(value: str) -> Backoff:
    if value not in get_args(Backoff):
        raise _Broken("Use `constant`, `linear` or `exponential`")
    return cast("Backoff", value)


def _event_id(value: str) -> str:
    if not (value and len(value) <= EVENT_ID_LENGTH and value.isascii() and value.isprintable()):
        raise _Broken(f"Use 1 to {EVENT_ID_LENGTH} printable ASCII characters")
    return value


def _alias(value: str) -> str:
    if not ALIAS.fullmatch(value):
        raise _Broken("Use 1 to 64 letters, digits, `-`, `_` or `.`")
    return value


def _hex(digits: int) -> Callable[[str], str]:
    def read(value: str) -> str:
        # All zeros is no id (https://www.w3.org/TR/trace-context/#trace-id).
        if not (len(value) == digits and _HEX.fullmatch(value) and value.strip("0")):
            raise _Broken(f"Use {digits} hexadecimal digits that are not all 0")
        return value.lower()

    return read


def _metadata(value: str) -> Metadata:
    rule = "Use a flat JSON object whose values are strings, numbers or booleans"
    metadata: Metadata = {}
    for key, entry in _object(value, rule).items():
        if not isinstance(entry, str | int | float) or _too_large(entry):
            raise _Broken(f"{rule}; the value of {key!r} is not")
        # `cf.` keys are the gateway's own: a caller cannot pretend to an identity.
        if len(metadata) < METADATA_ENTRIES and not key.startswith("cf."):
            metadata[key] = entry
    return metadata


def _custom_cost(value: str) -> CustomCost:
    rule = (
        "Use a JSON object with `per_token_in` and `per_token_out`, and `per_cache_read_token` and "
        "`per_cache_write_token` where they differ, or with `total_cost` alone, in USD, not below 0"
    )
    prices = _object(value, rule)
    per_token = {"per_token_in", "per_token_out"} <= prices.keys() <= _PER_TOKEN
    if not (per_token or prices.keys() == {"total_cost"}):
        raise _Broken(rule)
    if not all(map(_is_price, prices.values())):
        raise _Broken(rule)
    return CustomCost(**cast("dict[str, float]", prices))


def _is_price(entry: object) -> bool:
    if not isinstance(entry, int | float) or isinstance(entry, bool):
        return False
    return 0 <= entry <= PRICE


def _object(value: str, rule: str) -> dict[str, object]:
    if len(value) > JSON_LENGTH:
        raise _Broken(f"{rule}, of at most {JSON_LENGTH} characters")
    try:
        # Not by the standard library: in WebAssembly deep nesting would end the isolate.
        parsed: object = from_json(value, allow_inf_nan=False)
    except ValueError:
        raise _Broken(rule) from None
    if not isinstance(parsed, dict):
        raise _Broken(rule)
    return cast("dict[str, object]", parsed)


def _too_large(entry: str | float) -> bool:
    # JSON can write numbers that nothing reads as what they are.
    return not isinstance(entry, str) and abs(entry) > float_info.max


_HEADERS: dict[str, tuple[str, Callable[[str], object]]] = {
    "timeout": ("cf-aig-request-timeout", _whole(1, TIMEOUT_MS, "milliseconds")),
    "max_attempts": ("cf-aig-max-attempts", _whole(1, ATTEMPTS, "attempts")),
    "retry_delay": ("cf-aig-retry-delay", _whole(0, DELAY_MS, "milliseconds")),
    "backoff": ("cf-aig-backoff", _backoff),
    "byok_alias": ("cf-aig-byok-alias", _alias),
    "event_id": ("cf-aig-event-id", _event_id),
    "cache_ttl": ("cf-aig-cache-ttl", _cache_ttl),
    "skip_cache": ("cf-aig-skip-cache", _flag),
    "cache_key": ("cf-aig-cache-key", _cache_key),
    "metadata": ("cf-aig-metadata", _metadata),
    "custom_cost": ("cf-aig-custom-cost", _custom_cost),
    "collect_log": ("cf-aig-collect-log", _flag),
    "collect_payload": ("cf-aig-collect-log-payload", _flag),
    "otel_trace_id": ("cf-aig-otel-trace-id", _hex(32)),
    "otel_parent_span_id": ("cf-aig-otel-parent-span-id", _hex(16)),
}
"""Field of Options, and the header and the reading of its value."""
_NAMES = {name for name, _ in _HEADERS.values()}
_NONE = Options()
