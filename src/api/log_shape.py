"""What the log and its charts take and answer, as the document of the API tells it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, Json

from api.log_condition import KEYS
from api.log_filters import Filter
from api.paging import MOST_PAGES, MOST_PER_PAGE

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


_Flag = Literal["true", "false"]


class LogFilter(Filter):
    """A condition on one property of a row: any of the values, or for `neq` none of them."""

    key: Annotated[str, Field(json_schema_extra={"enum": list(KEYS)})]


class _Chosen(BaseModel):
    """Which rows are wanted, and in which order."""

    order_by: Order | None = None
    order_by_direction: Literal["asc", "desc"] | None = None
    direction: Literal["asc", "desc"] | None = None
    """The same."""
    start_date: str | None = None
    """ISO 8601, or milliseconds since the epoch."""
    end_date: str | None = None
    search: str | None = None
    """A part of the metadata."""
    filters: Json[list[LogFilter]] | None = None
    """Of the spellings that `docs/logs.md` tells of, JSON."""
    success: _Flag | None = None
    cached: _Flag | None = None
    provider: str | None = None
    model: str | None = None
    model_type: str | None = None
    request_content_type: str | None = None
    response_content_type: str | None = None
    feedback: Literal["0", "1"] | None = None
    """1 is good, 0 is 0 or -1."""
    min_cost: float | None = None
    """USD."""
    max_cost: float | None = None
    min_duration: float | None = None
    """Milliseconds."""
    max_duration: float | None = None
    min_tokens_in: float | None = None
    max_tokens_in: float | None = None
    min_tokens_out: float | None = None
    max_tokens_out: float | None = None
    min_total_tokens: float | None = None
    max_total_tokens: float | None = None


class LogQuery(_Chosen):
    """Which rows are wanted, and which page of them."""

    page: Annotated[int, Field(ge=1, le=MOST_PAGES)] | None = None
    per_page: Annotated[int, Field(ge=1, le=MOST_PER_PAGE)] | None = None
    meta_info: _Flag | None = None
    """Whether the least and the most of what is found is told."""


class DeletedQuery(_Chosen):
    """Which rows are to be deleted."""

    limit: Annotated[int, Field(ge=1, le=10_000)] | None = None


class Deleted(BaseModel):
    """What was deleted."""

    deleted: int
    """Rows."""


class _Shown(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Saved(_Shown):
    """What an answer from the cache saved."""

    tokens_in: int | None
    tokens_out: int | None
    cost: float | None
    """USD."""


class Usage(_Shown):
    """What was used. Null is unknown; what few answers have is left out where there is none."""

    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    input_cached_tokens: int | None
    input_cache_write_tokens: int | None
    output_reasoning_tokens: int | None
    characters: float = 0
    audio_seconds: float = 0
    images: float = 0
    compute_seconds: float = 0
    searches: float = 0
    cache_write_1h: float = 0
    audio_in: float = 0
    audio_out: float = 0
    image_in: float = 0
    image_out: float = 0
    video_in: float = 0
    cached_audio: float = 0
    cached_image: float = 0


class Timings(_Shown):
    """Milliseconds to the end of the answer, and to its first byte."""

    total: int
    latency: int | None


class Location(_Shown):
    """Where the request came in."""

    region: str | None
    colo: str | None


class ShownLog(_Shown):
    """A row. `docs/requests.md` tells what its fields mean."""

    id: str
    created_at: str
    provider: str
    model: str | None
    model_type: str | None
    path: str
    duration: int
    """Milliseconds."""
    request_type: str
    request_content_type: str | None
    response_content_type: str | None
    status_code: int
    success: bool
    error_code: int | None
    provider_error: str | None
    cached: bool
    tokens_in: int | None
    tokens_out: int | None
    cost: float | None
    """USD."""
    custom_cost: bool
    saved: Saved
    attempt: int
    final: bool
    feedback: int | None
    score: float | None
    metadata: dict[str, str | int | float | bool] | None
    step: int
    skipped_steps: list[int]
    event_id: str
    request_size: int | None
    """Bytes."""
    response_size: int | None
    user_agent: str | None
    authentication: bool
    token_id: str | None
    byok: bool
    key_id: str | None
    close_code: int | None
    wholesale: bool
    flags: list[str]
    usage_metadata: Usage
    timings: Timings
    location: Location


class ShownLogWithHeads(ShownLog):
    """A row, and how its bodies begin."""

    request_head: str | None
    request_head_complete: bool
    response_head: str | None
    response_head_complete: bool
