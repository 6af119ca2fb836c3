"""A gateway as the hot path reads it: its settings, and who and what it lets in.

All of it is one row of the database, and one text in the snapshot of that row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from limits.rules import Budget, Limit, budgets_of, limits_of
from settings import Retry, Settings

SELECT = """
SELECT internal_id, settings, generations,
  EXISTS (SELECT 1 FROM full_logs WHERE gateway_id = internal_id) AS log_full,
  (SELECT json_group_array(json_array(digest, id, expires_at)) FROM tokens
   WHERE account_id = ?1 AND EXISTS (SELECT 1 FROM json_each(scopes) WHERE value = 'run')
   AND (gateways IS NULL OR EXISTS (SELECT 1 FROM json_each(gateways) WHERE value = ?2))) AS tokens,
  (SELECT json_group_array(json_array(id, provider, alias, is_default, sealed)) FROM provider_keys
   WHERE gateway_id = internal_id) AS keys,
  (SELECT json_group_array(json_array(slug, base_url, headers, id || ':' || modified_at))
   FROM custom_providers
   WHERE account_id = ?1 AND enable) AS customs
FROM gateways WHERE account_id = ?1 AND id = ?2
"""
"""(account, gateway) to the row that `Gateway.of` reads."""

_TOKENS = TypeAdapter(list[tuple[str, str, int | None]])
_KEYS = TypeAdapter(list[tuple[str, str, str, bool, str]])
_CUSTOMS = TypeAdapter(list[tuple[str, str, str | None, str]])
_GENERATIONS = TypeAdapter(dict[str, int])

DEFAULT_ALIAS = "default"


@dataclass(frozen=True, slots=True)
class Token:
    """A token that lets its holder use a gateway."""

    digest: str
    id: str
    expires_at: int | None = None
    """Epoch milliseconds."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A provider's key, encrypted."""

    id: str
    provider: str
    alias: str
    default: bool
    """Whether it is used where a request names no alias."""
    sealed: str


@dataclass(frozen=True, slots=True)
class Custom:
    """A provider that an operator added."""

    slug: str
    base_url: str
    headers: str | None
    """More headers for it, a JSON object, encrypted."""
    version: str = ""
    """Another one after each change."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where traces are sent."""

    url: str
    sealed: str | None
    """The headers that they are sent with, a JSON object, encrypted."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway as the hot path reads it."""

    internal_id: int
    account: str
    id: str
    authentication: bool
    collect_logs: bool
    retry: Retry = field(default_factory=Retry)
    cache_ttl: int = 0
    """Seconds for which answers are kept, where a request does not say; 0 is not at all."""
    generations: Mapping[str, int] = field(default_factory=dict[str, int])
    """How often what was kept has been purged: of a provider by its slug, and of all by ``."""
    limits: tuple[Limit, ...] = ()
    """That are asked once for a call."""
    step_limits: tuple[Limit, ...] = ()
    """That are asked for each step of it, for they depend on where it goes."""
    budgets: tuple[Budget, ...] = ()
    """Of what is spent, which are asked for each step of a call."""
    most_output: int | None = None
    """Tokens that they reserve for an answer whose request does not bound it. None: the most that
    its model writes."""
    limits_closed: bool = False
    """Whether a call is refused where a counter is out of order."""
    log_full: bool = False
    """Whether the log holds all that it may: then nothing more is logged."""
    otel: tuple[Destination, ...] = ()
    tokens: Mapping[str, Token] = field(default_factory=dict[str, Token])
    """By their digest."""
    keys: tuple[StoredKey, ...] = ()
    customs: Mapping[str, Custom] = field(default_factory=dict[str, Custom])
    """By their slug."""

    @classmethod
    def of(cls, account: str, gateway_id: str, row: Mapping[str, Any]) -> "Gateway":
        """Make a gateway of its row. Raises pydantic.ValidationError."""
        known = Settings.model_validate_json(row["settings"])
        usual, limits = Retry(), limits_of(known)
        return cls(
            internal_id=row["internal_id"],
            account=account,
            id=gateway_id,
            authentication=known.authentication,
            collect_logs=known.collect_logs,
            log_full=bool(row.get("log_full")),
            retry=Retry(
                known.retry_max_attempts or usual.attempts,
                usual.delay if known.retry_delay is None else known.retry_delay,
                known.retry_backoff or usual.backoff,
            ),
            cache_ttl=known.cache_ttl or 0,
            generations=_GENERATIONS.validate_json(row["generations"]),
            limits=tuple(limit for limit in limits if not limit.scope.of_a_step),
            step_limits=tuple(limit for limit in limits if limit.scope.of_a_step),
            budgets=budgets_of(known),
            most_output=known.spend_limits.max_output_tokens if known.spend_limits else None,
            limits_closed=known.rate_limiting_failure_mode == "closed",
            otel=tuple(Destination(one.url, one.sealed) for one in known.otel or ()),
            tokens={token[0]: Token(*token) for token in _TOKENS.validate_json(row["tokens"])},
            keys=tuple(StoredKey(*key) for key in _KEYS.validate_json(row["keys"])),
            customs={one[0]: Custom(*one) for one in _CUSTOMS.validate_json(row["customs"])},
        )
