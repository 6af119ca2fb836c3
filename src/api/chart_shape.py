"""What charts take and answer, as the document of the API tells it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class ChartQuery(BaseModel):
    """Of what charts are made."""

    start: str | None = None
    """ISO 8601, or milliseconds since the epoch."""
    end: str | None = None
    interval: Literal["hour", "day"] | None = None
    group_by: Literal["provider", "model", "status", "cached"] | None = None
    provider: str | None = None
    model: str | None = None
    status: Literal["1xx", "2xx", "3xx", "4xx", "5xx"] | None = None
    cached: Literal["true", "false"] | None = None


class _Shown(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Totals(_Shown):
    """What went through."""

    requests: int
    attempts: int
    failed: int
    rate_limited: int
    cache_hits: int
    cache_hit_rate: float | None
    tokens_in: int
    tokens_out: int
    tokens_cached: int
    cost: float
    """USD."""
    unpriced_attempts: int
    saved: float
    """USD."""


class Point(Totals):
    """The same of an interval, and of a group where it is asked for."""

    start: str
    group: str | None = None


class Failures(_Shown):
    """Requests that failed in one way."""

    status_code: int
    error_code: int | None
    requests: int


class Speed(_Shown):
    """Percentiles of how long attempts took, in milliseconds."""

    attempts: int
    p50: int
    p90: int
    p99: int


class Speeds(_Shown):
    """How long the attempts at a model took that succeeded."""

    provider: str
    model: str | None
    total: Speed | None = None
    first_byte: Speed | None = None


class Frequency(_Shown):
    """How many requests had a value of metadata."""

    value: str
    requests: int


class ShownCharts(_Shown):
    """Totals, series, errors, speeds and metadata."""

    start: str
    end: str
    interval: Literal["hour", "day"]
    group_by: Literal["provider", "model", "status", "cached"] | None
    totals: Totals
    errors: list[Failures]
    series: list[Point]
    latency: list[Speeds]
    metadata: dict[str, list[Frequency]]
    uncounted_hours: list[str]
    """Hours that are over and not counted: what they hold is missing here, at least in part."""
