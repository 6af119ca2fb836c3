"""What the log and its charts take and answer, as the document of the API tells it."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Order = Literal[
    "created_at",
    "provider",
    "model",
    "model_type",
    "success",
    "cached",
    "cost",
    "tokens_in",
    "tokens_out",
    "duration",
    "feedback",
]


class LogQuery(BaseModel):
    """Which rows are wanted. `docs/logs.md` tells of `filters` and of bounds (`min_…`, `max_…`)."""

    page: int | None = None
    per_page: int | None = None
    order_by: Order | None = None
    order_by_direction: Literal["asc", "desc"] | None = None
    start_date: str | None = None
    """ISO 8601."""
    end_date: str | None = None
    search: str | None = None
    """A part of the metadata."""
    filters: str | None = None
    """A JSON array of {key, operator, value}."""
    success: Literal["true", "false"] | None = None
    cached: Literal["true", "false"] | None = None
    provider: str | None = None
    model: str | None = None
    meta_info: Literal["true", "false"] | None = None


class DeletedQuery(LogQuery):
    """Which rows are to be deleted."""

    limit: int | None = None


class Deleted(BaseModel):
    """What was deleted."""

    deleted: int
    """Rows."""


class ShownLog(BaseModel):
    """A row. `docs/requests.md` tells of all its fields."""

    model_config = ConfigDict(extra="allow")

    id: str
    event_id: str
    created_at: str
    provider: str
    model: str | None
    path: str
    status_code: int
    success: bool
    cached: bool
    duration: int
    """Milliseconds."""
    tokens_in: int | None
    tokens_out: int | None
    cost: float | None
    """USD."""
    metadata: dict[str, Any] | None
    step: int
    flags: list[str]


class ChartQuery(BaseModel):
    """Of what charts are made."""

    start: str | None = None
    """ISO 8601."""
    end: str | None = None
    interval: Literal["hour", "day"] | None = None
    group_by: Literal["provider", "model", "status", "cached"] | None = None
    provider: str | None = None
    model: str | None = None
    cached: Literal["true", "false"] | None = None


class ShownCharts(BaseModel):
    """Totals, series, errors, speeds and metadata."""

    start: str
    end: str
    interval: str
    group_by: str | None
    totals: dict[str, Any]
    errors: list[dict[str, Any]]
    series: list[dict[str, Any]]
    latency: Any
    metadata: Any
