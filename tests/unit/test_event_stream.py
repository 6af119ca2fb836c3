"""Somebody who watches the log as a stream of events, and takes what is sent late or never."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from fakes import FakeClock, FakeStorage, SqliteDatabase
from logs.tail import WATCHED
from runtime.event_stream import EventStream
from runtime.listeners import ROUND_MS, Listeners

COMMENT = ":\n\n"
OPEN = "event: open\ndata: {}\n\n"
END = 'event: end\ndata: {"reason": "too_slow"}\n\n'
ROUND_S = ROUND_MS // 1000


@dataclass
class FakePipe:
    """A way on which the test takes what has been written."""

    written: deque[tuple[str, Callable[[bool], None]]] = field(
        default_factory=deque[tuple[str, Callable[[bool], None]]]
    )
    closed: bool = False
    leave: Callable[[], None] = lambda: None

    def write(self, text: str, taken: Callable[[bool], None]) -> int:
        self.written.append((text, taken))
        return len(text.encode())

    def when_left(self, left: Callable[[], None]) -> None:
        self.leave = left

    def close(self) -> None:
        self.closed = True

    def take(self, well: bool = True) -> str:
        """Take what was written first, or fail to."""
        text, taken = self.written.popleft()
        taken(well)
        return text

    def rest(self) -> list[str]:
        return [self.take() for _ in range(len(self.written))]


class Room:
    """The object of gateway 1, of which one reads a stream. Its alarm rings when it is due."""

    def __init__(self, database: SqliteDatabase) -> None:
        self.clock, self.storage, self.pipe = FakeClock(), FakeStorage(), FakePipe()
        self.stream = EventStream(1, "{}", self.pipe)
        self._database = database
        self._listeners = Listeners(self.storage, database, self.clock)

    async def open(self) -> None:
        await self._listeners.admit(1)

    async def watched(self) -> bool:
        return bool(await self._database.all(WATCHED, "[[1, 0]]"))

    async def pass_time(self, seconds: float) -> None:
        until = self.clock.now + seconds * 1000
        while self.storage.alarm is not None and self.storage.alarm <= until:
            self.clock.now, self.storage.alarm = self.storage.alarm, None
            await self._listeners.renew([self.stream])
        self.clock.now = until


@pytest.fixture
async def room(database: SqliteDatabase) -> Room:
    room = Room(database)
    await room.open()
    return room


async def test_one_who_takes_nothing_for_a_minute_is_let_go_and_told_why(room: Room) -> None:
    await room.pass_time(59)
    assert not room.stream.closed
    await room.pass_time(1)

    assert (room.stream.closed, room.pipe.closed) == (True, True)
    assert room.pipe.rest() == [OPEN, END]
    assert not await room.watched()


async def test_one_who_stops_to_take_is_let_go_a_round_after_a_comment_that_waits(
    room: Room,
) -> None:
    room.pipe.take()
    await room.pass_time(ROUND_S)
    assert not room.stream.closed
    await room.pass_time(ROUND_S)

    assert room.stream.closed
    assert room.pipe.rest() == [COMMENT, END]


async def test_one_who_takes_a_little_in_each_round_stays(room: Room) -> None:
    for number in range(30):
        room.stream.send([{"number": number}])

    for _ in range(30):
        await room.pass_time(ROUND_S)
        room.pipe.take()

    assert not room.stream.closed
    assert room.stream.waiting > 0
    assert await room.watched()


async def test_one_who_takes_what_there_is_stays_and_gets_a_comment_each_round(room: Room) -> None:
    room.pipe.take()

    for _ in range(100):
        await room.pass_time(ROUND_S)
        assert room.pipe.rest() == [COMMENT]

    assert (room.stream.closed, room.stream.waiting) == (False, 0)


@pytest.mark.parametrize("says_so", [False, True])
async def test_one_who_has_left_is_watching_for_no_longer(room: Room, says_so: bool) -> None:
    if says_so:
        room.pipe.leave()
    else:
        room.pipe.take(well=False)

    await room.pass_time(ROUND_S)

    assert not await room.watched()
    assert COMMENT not in room.pipe.rest()


async def test_after_the_end_nothing_is_sent(room: Room) -> None:
    room.stream.let_go("too_slow")

    room.stream.send([{}])
    room.stream.beat()

    assert room.pipe.rest() == [OPEN, END]
