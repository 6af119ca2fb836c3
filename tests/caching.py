"""The cache and the flights in memory."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from ports import (
    CacheError,
    Ending,
    FlightsError,
    Joined,
    Kept,
    Reading,
    ReplyBody,
)


@dataclass(frozen=True)
class FakeKept:
    """An answer that was kept, as bytes of UTF-8."""

    head: str
    content: bytes

    @property
    def size(self) -> int:
        return len(self.content)

    def body(self, headers: Mapping[str, str]) -> ReplyBody:
        return KeptBody(self.content)


class KeptBody:
    """The body of a kept answer: nothing of it is still to come."""

    held = True

    def __init__(self, content: bytes) -> None:
        self.content = content

    @property
    def ended(self) -> Ending:
        return Ending("complete", self.content.decode(), len(self.content), copy=self.content)

    async def begin(self) -> None:
        """Do nothing."""

    async def hold(self, error: bool) -> None:
        """Do nothing."""

    async def first(self) -> str:
        return self.content.decode()

    def discard(self) -> None:
        """Do nothing."""

    async def texts(self) -> AsyncIterator[str]:
        yield self.content.decode()

    def watch(self, copy: int = 0) -> asyncio.Future[Ending]:
        ending = asyncio.get_running_loop().create_future()
        ending.set_result(self.ended)
        return ending


class FakeCache:
    """Answers by their keys. `broken` is a cache that cannot be reached."""

    def __init__(self) -> None:
        self.kept: dict[str, FakeKept] = {}
        self.ttls: dict[str, int] = {}
        self.read_keys: list[str] = []
        self.written_keys: list[str] = []
        self.broken = False

    def read(self, key: str) -> Reading:
        self.read_keys.append(key)
        found: asyncio.Future[Kept | None] = asyncio.get_running_loop().create_future()
        if self.broken:
            found.set_exception(CacheError())
        else:
            found.set_result(self.kept.get(key))
        return Reading(key, found)

    async def write(self, key: str, head: str, copy: object, ttl: int) -> None:
        if self.broken:
            raise CacheError
        assert isinstance(copy, bytes)
        self.written_keys.append(key)
        self.kept[key] = FakeKept(head, copy)
        self.ttls[key] = ttl

    async def delete(self, key: str) -> None:
        if self.broken:
            raise CacheError
        self.kept.pop(key, None)


class FakeLead:
    """Tells those who wait."""

    def __init__(self, flights: "FakeFlights", key: str) -> None:
        self._flights = flights
        self._key = key

    async def share(self, head: str, copy: object) -> None:
        assert isinstance(copy, bytes)
        self._flights.land(self._key, FakeKept(head, copy))

    def give_up(self) -> None:
        self._flights.given_up += 1
        self._flights.land(self._key, None)


class FakeFlights:
    """The flights of one process. `broken` are flights that nobody can join."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[asyncio.Future[Joined]]] = {}
        self.joined: list[str] = []
        self.forgotten: list[str] = []
        self.given_up = 0
        self.broken = False

    async def join(self, key: str, patience: float) -> Joined:
        if self.broken:
            raise FlightsError
        self.joined.append(key)
        if key not in self._waiting:
            self._waiting[key] = []
            return Joined(lead=FakeLead(self, key))
        waits: asyncio.Future[Joined] = asyncio.get_running_loop().create_future()
        self._waiting[key].append(waits)
        try:
            async with asyncio.timeout(patience):
                return await waits
        except TimeoutError:
            raise FlightsError from None

    async def forget(self, key: str) -> None:
        if self.broken:
            raise FlightsError
        self.forgotten.append(key)

    def land(self, key: str, kept: Kept | None) -> None:
        """Give all who wait the answer or, without one, the first of them the lead."""
        waiting = [one for one in self._waiting[key] if not one.done()]
        if kept is None and waiting:
            first, *self._waiting[key] = waiting
            first.set_result(Joined(lead=FakeLead(self, key)))
            return
        del self._waiting[key]
        for one in waiting:
            one.set_result(Joined(kept=kept))
