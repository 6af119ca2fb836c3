"""Which requests a limit is about, which of them it counts together, and what it tells them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import ceil

from limits.counter import Rule, Verdict
from settings import OWN_LIMIT, Filter, Partition, RateRule, Settings, SpendRule

Facts = Mapping[str, Sequence[str]]
"""What is known of a request, by name: `model`, `provider`, `token`, `address`, `metadata.{key}`.

The first value is what a fact is called; a filter may name it by the others too.
"""

_OF_A_STEP = ("model", "provider")
NANO = 10**9
"""Nano-USD in a USD: budgets are counted in whole ones, of which the cheapest token is several."""
_MOST = 10**15 - 1  # that an integer in a header may be: RFC 9651, section 3.3.1


@dataclass(frozen=True, slots=True)
class Scope:
    """The requests that a rule is about."""

    conditions: tuple[tuple[str, frozenset[str] | None], ...] = ()
    """A fact, and the values that are meant; None gives each value a count of its own."""

    @classmethod
    def of(cls, rule: RateRule | SpendRule) -> "Scope":
        """Read the conditions of a rule."""
        named: dict[str, Filter | Partition | None] = {
            f"metadata.{key}": condition for key, condition in (rule.metadata or {}).items()
        }
        for fact in ("model", "provider", "token", "address"):
            named[fact] = getattr(rule, fact, None)
        return cls(
            tuple(
                (fact, frozenset(condition.values) if isinstance(condition, Filter) else None)
                for fact, condition in named.items()
                if condition
            )
        )

    def may_mean(self, facts: Facts) -> bool:
        """Whether the rule is about a request, were what is unknown of its model what it asks for.

        Whoever lacks another fact is not meant.
        """
        unknown = {fact: values for fact, values in self.conditions if fact not in facts}
        if unknown.keys() - {"model"}:
            return False
        known = Scope(tuple(each for each in self.conditions if each[0] not in unknown))
        return known.partition(facts) is not None

    @property
    def of_a_step(self) -> bool:
        """Whether it depends on where a request goes, which each step of it decides anew."""
        return any(fact in _OF_A_STEP for fact, _ in self.conditions)

    def partition(self, facts: Facts) -> list[str] | None:
        """Return what tells a request from those that are counted apart from it.

        None: the rule is not about it, be it that a fact is unknown.
        """
        partition: list[str] = []
        for fact, values in self.conditions:
            known = facts.get(fact)
            if not known or (values is not None and values.isdisjoint(known)):
                return None
            if values is None:
                partition += (fact, known[0])
        return partition


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit on requests or tokens, as the hot path reads it."""

    id: str
    rule: Rule
    tokens: bool = False
    """Whether it counts tokens, and not requests."""
    enforced: bool = True
    scope: Scope = Scope()

    def counter(self, gateway: int, facts: Facts) -> str | None:
        """Return the name of the counter of a request. None where the limit is not about it.

        What callers choose is in it as a digest: of bounded length, and no secret.
        """
        return _counter(
            gateway, self.id, "tokens" if self.tokens else "requests", self.scope, facts
        )


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit on what is spent, as the hot path reads it."""

    id: str
    rule: Rule
    """In whole nano-USD."""
    enforced: bool = True
    scope: Scope = Scope()

    def counter(self, gateway: int, facts: Facts) -> str | None:
        """Return the name of the counter of a request. None where the budget is not about it."""
        return _counter(gateway, self.id, "cost", self.scope, facts)

    def __str__(self) -> str:
        """Return the words in which a refusal tells of it."""
        rule = self.rule
        limit = f"{rule.limit / NANO:.9f}".rstrip("0").rstrip(".")
        return f"rule '{self.id}' (cost limit {limit} per {rule.interval}s, {rule.technique})"


def _counter(gateway: int, rule_id: str, unit: str, scope: Scope, facts: Facts) -> str | None:
    partition = scope.partition(facts)
    if partition is None:
        return None
    digest = sha256(json.dumps(partition).encode()).hexdigest()[:32] if partition else "all"
    return f"{gateway}:{rule_id}:{unit}:{digest}"


def limits_of(settings: Settings) -> tuple[Limit, ...]:
    """Return the limits of a gateway: its own, then those of its rules that are enabled."""
    limits: list[Limit] = []
    limit, interval = settings.rate_limiting_limit, settings.rate_limiting_interval
    # 0 and null are off.
    if limit and interval:
        technique = settings.rate_limiting_technique or "fixed"
        limits.append(Limit(OWN_LIMIT, Rule(limit, interval, technique)))
    limits += (
        Limit(
            rule.id,
            Rule(rule.limit, rule.window, rule.technique),
            tokens=rule.limitType == "tokens",
            enforced=rule.mode == "enforce",
            scope=Scope.of(rule),
        )
        for rule in settings.rate_limiting_rules
        if rule.enabled
    )
    return tuple(limits)


def budgets_of(settings: Settings) -> tuple[Budget, ...]:
    """Return the budgets of a gateway that are enabled."""
    given = settings.spend_limits
    return tuple(
        Budget(
            rule.id or "",
            Rule(round(rule.limit * NANO), rule.window, rule.technique),
            enforced=rule.mode == "enforce",
            scope=Scope.of(rule),
        )
        for rule in (given.rules if given and given.enabled else ())
        if rule.enabled
    )


def spend_header(told: Iterable[tuple[Budget, Verdict]]) -> str:
    """Return what tells a caller how much is left of the budgets that were asked.

    A list as that of `ratelimit`, in USD. A decimal of RFC 9651 has three digits behind the point:
    too few, so amounts are strings.
    """
    return ", ".join(
        f'"{budget.id}";r="{_usd(verdict.remaining)}";t={ceil(verdict.reset)}'
        for budget, verdict in told
    )


def _usd(nano: int) -> str:
    """Return an amount in USD, of which not more is told than there is."""
    whole, part = divmod(nano // 1000, 10**6)
    return f"{whole}.{part:06d}"


def headers(told: Iterable[tuple[Limit, Verdict]]) -> dict[str, str]:
    """Return what tells a caller of the limits that were asked.

    `ratelimit` and `ratelimit-policy` as of
    https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/11/
    """
    left: list[str] = []
    policies: list[str] = []
    for limit, verdict in told:
        rule, label = limit.rule, f'"{limit.id}"'
        unit = ';qu="tokens"' if limit.tokens else ""
        left.append(f"{label};r={min(verdict.remaining, _MOST)};t={ceil(verdict.reset)}")
        policies.append(f"{label};q={min(rule.limit, _MOST)};w={rule.interval}{unit}")
    return {"ratelimit": ", ".join(left), "ratelimit-policy": ", ".join(policies)} if left else {}
