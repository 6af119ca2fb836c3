"""Those who watch the log as it grows, as Protocols."""

from typing import Protocol

from ports.bodies import ReplyBody


class TailsError(Exception):
    """Nobody could be shown anything, or no more may listen."""


class Audience(Protocol):
    """Who listens to the logs of gateways, whichever isolate they came to."""

    async def show(self, gateway_id: int, rows: str) -> None:
        """Show rows: a JSON array of the values of a row's columns. Raises TailsError."""
        ...


class Tails(Audience, Protocol):
    """Lets somebody listen, too."""

    async def listen(self, gateway_id: int, wanted: str, *, socket: bool) -> ReplyBody:
        """Return rows as they come, as a stream of events or a WebSocket. `wanted` is a filter.

        Raises TailsError.
        """
        ...
