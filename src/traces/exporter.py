"""Sends spans to collectors, in groups, once the answers that they are of have left.

A request that finds nobody sending to a destination becomes the sender: it waits a moment for
company, and sends. What comes meanwhile goes in the next group. Only plain data is shared between
requests. All that is kept is in the memory of one isolate, and is bounded: what a collector does
not take in time is dropped, counted and told on the console.
"""

import asyncio
import json
import logging
import secrets
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from errors import Misconfigured
from keys.vault import Vault
from ports import Clock, Crypto, Post, PostError
from retry_after import retry_after
from snapshot import Destination
from traces import otlp

_log = logging.getLogger("sluice.exporter")

GROUP = 200
"""Spans in one request."""
GROUP_SIZE = 1_000_000
"""Characters of them. A span alone may be longer."""
MEMORY = 8_000_000
"""Characters of spans that wait in one isolate, for all destinations."""
ATTEMPTS = 5
"""How often a group is sent before it is dropped."""
DELAY_MS = 1_000
"""The wait after the first attempt; each one doubles it."""
LONGEST_REST_MS = 300_000
"""The longest that a collector is left alone, whatever it asks for."""
LEASE_MS = 20_000
"""After this long a sender counts as vanished: a request can be frozen in the middle of it."""
UNUSED_MS = 3_600_000
"""After this long without a span a destination counts as one that no gateway has any longer."""
TERM_MS = 10_000
"""After this long a sender lets the next request send: work after an answer may last 30 s."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a request sends with."""

    post: Post
    vault: Vault
    crypto: Crypto
    upstream: str | None = None
    """What replaces scheme and host of every destination. Local runs only."""


@dataclass(slots=True)
class _Queue:
    """What waits for one destination."""

    spans: deque[str] = field(default_factory=deque[str])
    failures: int = 0
    """Attempts at the first group in a row."""
    rest_until: float = 0.0
    lease: float = 0.0
    used: float = 0.0
    """When the last span came."""


class Exporter:
    """The spans of one isolate on their way."""

    def __init__(self, clock: Clock, linger: float = 0.0) -> None:
        self._clock = clock
        self._linger = linger
        self._queues: dict[tuple[str, Destination], _Queue] = {}
        self._size = 0
        self.dropped = 0
        """Spans that no collector has taken."""

    def add(self, secret: str, destination: Destination, spans: Sequence[str]) -> None:
        """Let spans, each of them JSON, wait for their destination.

        `secret` is the context in which the headers of the destination open.
        """
        now, size = self._clock(), sum(map(len, spans))
        self._forget(now - UNUSED_MS)
        if self._size + size > MEMORY:
            self._drop(len(spans), destination, "too many wait")
            return
        self._size += size
        queue = self._queues.setdefault((secret, destination), _Queue())
        queue.used = now
        queue.spans.extend(spans)

    async def send(self, secret: str, destination: Destination, means: Means) -> None:
        """Send what waits for a destination, unless somebody does. Raises nothing."""
        queue = self._queues.get((secret, destination))
        if queue is None or self._clock() < queue.lease:
            return
        queue.lease = self._clock() + LEASE_MS
        if self._linger:
            await asyncio.sleep(self._linger)
        until = self._clock() + TERM_MS
        while queue.spans and await self._rested(queue, until):
            queue.lease = self._clock() + LEASE_MS
            group = _group(queue.spans)
            await self._attempt(queue, group, secret, destination, means)
        queue.lease = 0.0
        # Unless it was emptied before, and there is a new one.
        if not queue.spans and self._queues.get((secret, destination)) is queue:
            del self._queues[secret, destination]

    def _forget(self, before: float) -> None:
        """Drop what waits for destinations that were changed or removed: nobody sends it."""
        for (secret, destination), queue in list(self._queues.items()):
            if queue.used < before:
                del self._queues[secret, destination]
                self._size -= sum(map(len, queue.spans))
                self._drop(len(queue.spans), destination, "nothing is sent there any longer")

    async def _rested(self, queue: _Queue, until: float) -> bool:
        """Wait for as long as a collector is left alone. False where that is beyond the term."""
        now = self._clock()
        if max(now, queue.rest_until) >= until:
            return False
        if queue.rest_until > now:
            await self._clock.sleep((queue.rest_until - now) / 1000)
        return True

    async def _attempt(
        self, queue: _Queue, group: Sequence[str], secret: str, to: Destination, means: Means
    ) -> None:
        """Send a group, and take it from the queue unless it is to be sent again."""
        wait = 0.0
        try:
            headers = await _headers(to, secret, means)
            answer = await means.post(_address(to, means), headers, otlp.export(group))
        except Misconfigured as error:
            problem, again = error.message, False
        except PostError as error:
            problem, again = str(error), True
        else:
            wait = retry_after(answer.headers, self._clock())
            problem, again = f"status {answer.status}", answer.status in otlp.RETRYABLE
            if 200 <= answer.status < 300:
                self._take(queue, group)
                self._note(*otlp.rejected(answer.text), to)
                return
        queue.failures += 1
        if again and queue.failures < ATTEMPTS:
            queue.rest_until = self._clock() + min(LONGEST_REST_MS, wait or _pause(queue.failures))
            return
        self._take(queue, group)
        self._drop(len(group), to, problem)

    def _take(self, queue: _Queue, group: Sequence[str]) -> None:
        # A sender that vanished and came back finds that its group is gone.
        for span in group:
            if queue.spans and queue.spans[0] is span:
                self._size -= len(queue.spans.popleft())
        queue.failures, queue.rest_until = 0, 0.0

    def _note(self, rejected: int, reason: str, destination: Destination) -> None:
        if rejected or reason:
            self._drop(rejected, destination, f"the collector says {reason!r}")

    def _drop(self, count: int, destination: Destination, problem: str) -> None:
        self.dropped += count
        _log.error(
            "%d spans for %s are dropped, %d by this isolate in all: %s",
            count,
            # Not its path: some collectors are known by one that is a secret.
            urlsplit(destination.url).hostname,
            self.dropped,
            problem,
        )


def context(account: str, gateway: str, url: str) -> str:
    """Return what the headers of a destination are sealed for."""
    return f"otel:{account}:{gateway}:{url}"


def _group(spans: Sequence[str]) -> list[str]:
    group: list[str] = []
    size = 0
    for span in spans:
        size += len(span)
        if group and (size > GROUP_SIZE or len(group) == GROUP):
            break
        group.append(span)
    return group


def _pause(failures: int) -> float:
    """Return milliseconds that double each time, and are hardly those of another isolate."""
    return DELAY_MS * 2 ** (failures - 1) * (750 + secrets.randbelow(500)) / 1000


async def _headers(destination: Destination, secret: str, means: Means) -> dict[str, str]:
    """Return the headers of a request. Raises Misconfigured where they cannot be opened."""
    headers: dict[str, str] = {}
    if destination.sealed:
        headers = json.loads(await means.vault.open(destination.sealed, secret, means.crypto))
    return headers | {"content-type": "application/json"}


def _address(destination: Destination, means: Means) -> str:
    if means.upstream is None:
        return destination.url
    parts = urlsplit(destination.url)
    return means.upstream + parts.path
