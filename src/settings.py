"""Gateway settings: validated when they are written, plain frozen values on the hot path."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """What an operator may set on a gateway, in the words of the management API."""

    # Fields of a newer release are kept in the database and ignored by an older one.
    model_config = ConfigDict(extra="ignore", frozen=True)

    authentication: bool = True
    """Whether a caller needs a token of the gateway."""
    collect_logs: bool = True
    """Whether requests are logged, where a request does not say."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway as the hot path reads it."""

    internal_id: int
    account: str
    id: str
    authentication: bool
    collect_logs: bool

    @classmethod
    def of(cls, account: str, gateway_id: str, internal_id: int, settings: str) -> "Gateway":
        """Make a gateway of its settings, as JSON. Raises pydantic.ValidationError."""
        known = Settings.model_validate_json(settings)
        return cls(internal_id, account, gateway_id, known.authentication, known.collect_logs)
