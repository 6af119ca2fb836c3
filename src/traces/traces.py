"""The traces of one call: its spans, on their way to wherever its gateway sends them."""

from collections.abc import Sequence
from dataclasses import dataclass

from snapshot import Gateway
from traces.exporter import Exporter, Means, context
from traces.spans import Told, spans_of

UPSTREAM = "otel"
"""Under which name a local run replaces scheme and host of every destination."""


@dataclass(frozen=True, slots=True)
class Traces:
    """What sends the spans of a gateway."""

    gateway: Gateway
    exporter: Exporter
    means: Means

    def add(self, attempts: Sequence[Told]) -> None:
        """Let the spans of a call that has ended wait to be sent."""
        spans = spans_of(attempts)
        for destination in self.gateway.otel:
            self.exporter.add(self._secret(destination.url), destination, spans)

    async def send(self) -> None:
        """Send what waits, and what others add meanwhile. Raises nothing."""
        for destination in self.gateway.otel:
            await self.exporter.send(self._secret(destination.url), destination, self.means)

    def _secret(self, url: str) -> str:
        return context(self.gateway.account, self.gateway.id, url)
