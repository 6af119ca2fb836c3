"""What keeps answers, and brings together who asks the same."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Protocol

from ports.bodies import ReplyBody


class Kept(Protocol):
    """An answer that was kept."""

    @property
    def head(self) -> str:
        """What was kept beside its bytes."""
        ...

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    def body(self, headers: Mapping[str, str]) -> ReplyBody:
        """Return the body of a reply that has these headers. It is held."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """A kept answer that is being read."""

    key: str
    kept: Awaitable[Kept | None]
    """None where there is none. Raises CacheError."""


class CacheError(Exception):
    """The cache could not be read or written, or took too long."""


class Cache(Protocol):
    """Answers that are kept. What was written may take a minute to be seen everywhere."""

    def read(self, key: str) -> Reading:
        """Begin to read, at once."""
        ...

    async def write(self, key: str, head: str, copy: object, ttl: int) -> None:
        """Keep an answer for `ttl` seconds, 60 or more. Raises CacheError.

        `head` is a JSON object of at most 1024 bytes, `copy` that of an Ending, of at most 25 MiB.
        """
        ...

    async def delete(self, key: str) -> None:
        """Forget an answer. Raises CacheError."""
        ...


class Lead(Protocol):
    """The right to ask the provider, for oneself and for those who wait."""

    async def share(self, head: str, copy: object) -> None:
        """Give the answer to those who wait. Raises nothing."""
        ...

    def give_up(self) -> None:
        """Leave it to the next one who waits."""
        ...


@dataclass(frozen=True, slots=True)
class Joined:
    """What came of joining a flight. Neither: all are to ask by themselves."""

    lead: Lead | None = None
    kept: Kept | None = None


class FlightsError(Exception):
    """It could not be found out who else asks the same, or the answer took too long."""


class Flights(Protocol):
    """Identical requests that are under way, in all isolates."""

    async def join(self, key: str, patience: float) -> Joined:
        """Be the one who asks the provider or, for `patience` seconds, wait for who does.

        Raises FlightsError.
        """
        ...

    async def forget(self, key: str) -> None:
        """Forget an answer that late comers would get. Raises FlightsError."""
        ...
