"""Gateway settings: validated when they are written, plain frozen values on the hot path."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Backoff = Literal["constant", "linear", "exponential"]

ATTEMPTS = 5
"""The most attempts that a call may have."""
DELAY_MS = 60_000
"""The longest delay between two attempts."""


@dataclass(frozen=True, slots=True)
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


class Settings(BaseModel):
    """What an operator may set on a gateway, in the words of the management API."""

    # Fields of a newer release are kept in the database and ignored by an older one.
    model_config = ConfigDict(extra="ignore", frozen=True)

    authentication: bool = True
    """Whether a caller needs a token of the gateway."""
    collect_logs: bool = True
    """Whether requests are logged, where a request does not say."""
    retry_max_attempts: Annotated[int, Field(ge=1, le=ATTEMPTS)] | None = None
    retry_delay: Annotated[int, Field(ge=0, le=DELAY_MS)] | None = None
    """Milliseconds."""
    retry_backoff: Backoff | None = None


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway as the hot path reads it."""

    internal_id: int
    account: str
    id: str
    authentication: bool
    collect_logs: bool
    retry: Retry = Retry()

    @classmethod
    def of(cls, account: str, gateway_id: str, internal_id: int, settings: str) -> "Gateway":
        """Make a gateway of its settings, as JSON. Raises pydantic.ValidationError."""
        known = Settings.model_validate_json(settings)
        usual = Retry()
        return cls(
            internal_id=internal_id,
            account=account,
            id=gateway_id,
            authentication=known.authentication,
            collect_logs=known.collect_logs,
            retry=Retry(
                known.retry_max_attempts or usual.attempts,
                usual.delay if known.retry_delay is None else known.retry_delay,
                known.retry_backoff or usual.backoff,
            ),
        )
