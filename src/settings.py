"""Gateway settings: validated when they are written, plain frozen values on the hot path.

Names, types and ranges are those of Cloudflare's management API:
https://developers.cloudflare.com/api/resources/ai_gateway/
Settings whose feature is still to come are validated, kept and returned.
"""

from collections.abc import Container
from hashlib import sha256
from itertools import count
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from ids import short_id
from values import value

Backoff = Literal["constant", "linear", "exponential"]
Technique = Literal["fixed", "sliding"]
Verdict = Literal["FLAG", "BLOCK"]
Hazard = Literal[
    "S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9", "S10", "S11", "S12", "S13", "P1"
]
Name = Annotated[str, Field(min_length=1, max_length=64)]
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""What JavaScript counts exactly, too."""
Seconds = Annotated[int, Field(ge=0, le=3_155_760_000)]
"""A century at most."""
RuleId = Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,64}$")]

OWN_LIMIT = "default"
"""What the limit of a gateway on all its requests is called among its rules."""
ATTEMPTS = 5
"""The most attempts that a call may have."""
DELAY_MS = 60_000
"""The longest delay between two attempts."""
DESTINATIONS = 5
"""The most places that traces of one gateway are sent to."""
HEADERS = 100
"""The most headers that they are sent with to one of them."""
CACHE_TTL = range(60, 2_592_000 + 1)
"""Seconds for which an answer may be kept: a minute to a month."""


def _kept_or_off(seconds: int) -> int:
    if seconds and seconds not in CACHE_TTL:
        rule = f"Use 0 for no cache, or {CACHE_TTL[0]} to {CACHE_TTL[-1]} seconds"
        raise ValueError(rule)
    return seconds


CacheTtl = Annotated[int, AfterValidator(_kept_or_off)]


@value
class Retry:
    """How often a call may be tried, and how long it waits in between."""

    attempts: int = 1
    delay: int = 500
    """Milliseconds."""
    backoff: Backoff = "exponential"

    def wait(self, attempt: int) -> float:
        """Return the milliseconds to wait after an attempt, the first of which is 1."""
        growth = {"constant": 1, "linear": attempt, "exponential": 2 ** (attempt - 1)}
        return float(self.delay * growth[self.backoff])


class _Part(BaseModel):
    # Strict: a wrong type is said to be wrong, not turned into a right one.
    model_config = ConfigDict(extra="forbid", strict=True)


class Guardrails(_Part):
    """What happens to a prompt or an answer that is found hazardous. Absent: nothing."""

    prompt: dict[Hazard, Verdict] | None = None
    response: dict[Hazard, Verdict] | None = None


class DlpPolicy(_Part):
    """What happens to data that a profile recognises."""

    id: Name
    enabled: bool
    action: Verdict
    check: list[Literal["REQUEST", "RESPONSE"]]
    profiles: list[str]


class Dlp(_Part):
    """Data loss prevention, in its older shape (`action`, `profiles`) or its newer (`policies`)."""

    enabled: bool
    action: Verdict | None = None
    profiles: list[str] | None = None
    policies: list[DlpPolicy] | None = None


def _in_json(kind: object) -> object:
    if kind == "protobuf":
        raise PydanticCustomError("json", "Use `json`: traces are not sent in protobuf")
    return kind


class Otel(_Part):
    """Where traces are sent."""

    url: Annotated[str, Field(max_length=2048)]
    headers: Annotated[dict[str, str], Field(max_length=HEADERS)] = {}
    """Kept masked: what they are is in `sealed`."""
    authorization: str | None = None
    """The same of the header of this name."""
    content_type: Annotated[Literal["json"], BeforeValidator(_in_json)] = "json"
    sealed: SkipJsonSchema[str | None] = None
    """The headers that are sent, a JSON object, encrypted. Kept, and never taken or shown."""


class Filter(_Part):
    """Values that a rule is about."""

    mode: Literal["filter"]
    values: list[str]


class Partition(_Part):
    """A budget of its own for each value."""

    mode: Literal["partition"]


Condition = Annotated[Filter | Partition, Field(discriminator="mode")]


class RateRule(_Part):
    """A limit on the requests or the tokens of a window of time."""

    id: RuleId = Field(default_factory=short_id)
    enabled: bool = True
    limit: Annotated[Count, Field(gt=0)]
    """Requests or tokens."""
    limitType: Literal["requests", "tokens"]  # noqa: N815 - as of the next rule
    window: Annotated[Seconds, Field(gt=0)]
    technique: Technique = "sliding"
    mode: Literal["enforce", "shadow"] = "enforce"
    """`shadow`: counts, and says of whom it would have refused."""
    metadata: dict[str, Condition] | None = None
    model: Condition | None = None
    provider: Condition | None = None
    token: Condition | None = None
    """The id of the caller's token."""
    address: Partition | None = None
    """The caller's, as the network tells it."""


class SpendRule(_Part):
    """A limit on what may be spent in a window of time."""

    id: RuleId | None = None
    """None only until the rules that it is one of are together."""
    enabled: bool = True
    limit: Annotated[float, Field(ge=1e-9, le=9_000_000, allow_inf_nan=False)]
    """USD, which are counted in billionths."""
    limitType: Literal["cost"]  # noqa: N815 - the API's own spelling
    window: Annotated[Seconds, Field(gt=0)]
    technique: Technique = "sliding"
    mode: Literal["enforce", "shadow"] = "enforce"
    """`shadow`: counts, and says of whom it would have refused."""
    metadata: dict[str, Condition] | None = None
    model: Condition | None = None
    provider: Condition | None = None


class SpendLimits(_Part):
    """Limits on what may be spent."""

    enabled: bool = False
    max_output_tokens: Annotated[Count, Field(gt=0)] | None = None
    """What an answer is reserved for where its request does not bound it. None: the most that the
    model writes."""
    rules: Annotated[list[SpendRule], Field(max_length=20)] = []

    @field_validator("rules")
    @classmethod
    def _told_apart(cls, rules: list[SpendRule]) -> list[SpendRule]:
        """Name the rules that have no id, and refuse two of the same.

        The same rule gets the same name, so that whoever sets it again without one does not make
        its budget anew.
        """
        taken = {rule.id for rule in rules if rule.id}
        if len(taken) < sum(rule.id is not None for rule in rules):
            raise PydanticCustomError("rule_id", "Rule ids must be unique")
        named: list[SpendRule] = []
        for rule in rules:
            rule_id = rule.id or _name_of(rule, taken)
            taken.add(rule_id)
            named.append(rule.model_copy(update={"id": rule_id}))
        return named


def _name_of(rule: SpendRule, taken: Container[str]) -> str:
    """Return eight hexadecimal digits that no other rule is called by."""
    about = rule.model_dump_json(exclude={"id", "enabled", "limit", "mode"})
    names = (sha256(f"{number}{about}".encode()).hexdigest()[:8] for number in count())
    return next(name for name in names if name not in taken)


def _masked(_: str) -> str:
    """Return what stands in place of a secret that nothing here uses: it is not kept."""
    return "***"


class UsageEvent(_Part):
    """What is posted for each request."""

    payload: str


class Stripe(_Part):
    """Where usage is billed."""

    authorization: Annotated[str, AfterValidator(_masked)]
    usage_events: list[UsageEvent]


class Settings(BaseModel):
    """What an operator may set on a gateway, in the words of the management API."""

    # Fields of a newer release are kept in the database and ignored by an older one.
    model_config = ConfigDict(extra="ignore", strict=True)

    authentication: bool = True
    """Whether a caller needs a token of the gateway."""
    byok_only: bool = False
    cache_invalidate_on_update: bool = False
    cache_ttl: CacheTtl | None = 0
    """Seconds; 0 is off."""
    collect_logs: bool = True
    """Whether requests are logged, where a request does not say."""
    dlp: Dlp | None = None
    guardrails: Guardrails | None = None
    log_classification: bool = False
    log_management: Annotated[int, Field(ge=10_000, le=10_000_000)] | None = None
    """The most rows of the log."""
    log_management_strategy: Literal["STOP_INSERTING", "DELETE_OLDEST"] | None = None
    """What becomes of a log that has them. None: STOP_INSERTING."""
    log_retention_days: Annotated[int, Field(ge=1, le=3_650)] | None = None
    """How long rows are kept. None: for ever."""
    logpush: bool = False
    logpush_public_key: Annotated[str, Field(min_length=16, max_length=1024)] | None = None
    otel: Annotated[list[Otel], Field(max_length=DESTINATIONS)] | None = None
    rate_limiting_interval: Seconds | None = 0
    """Seconds."""
    rate_limiting_failure_mode: Literal["open", "closed"] = "open"
    """What happens to a request whose counter is out of order."""
    rate_limiting_limit: Count | None = 0
    rate_limiting_rules: Annotated[list[RateRule], Field(max_length=20)] = []
    rate_limiting_technique: Technique | None = None
    retry_max_attempts: Annotated[int, Field(ge=1, le=ATTEMPTS)] | None = None
    retry_delay: Annotated[int, Field(ge=0, le=DELAY_MS)] | None = None
    """Milliseconds."""
    retry_backoff: Backoff | None = None
    spend_limits: SpendLimits | None = None
    store_id: str | None = None
    stripe: Stripe | None = None
    workers_ai_billing_mode: Literal["postpaid", "unified"] = "postpaid"
    zdr: bool = False

    @field_validator("rate_limiting_rules")
    @classmethod
    def _told_apart(cls, rules: list[RateRule]) -> list[RateRule]:
        """Refuse two rules that headers, flags and counters could not tell apart."""
        taken = {OWN_LIMIT}
        for rule in rules:
            if rule.id in taken:
                text = "Rule ids must be unique and not `{own}`: {id} is taken"
                raise PydanticCustomError("rule_id", text, {"own": OWN_LIMIT, "id": repr(rule.id)})
            taken.add(rule.id)
        return rules


REQUIRED = (
    "cache_invalidate_on_update",
    "cache_ttl",
    "collect_logs",
    "rate_limiting_interval",
    "rate_limiting_limit",
)
"""The settings that whoever writes a gateway must name."""
