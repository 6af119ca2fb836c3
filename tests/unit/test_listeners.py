"""Who listens to the log: what each is shown, who is let go, and when the lease ends."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from fakes import NOW, BrokenDatabase, FakeClock, FakeStorage, SqliteDatabase
from logged import a_row
from logs.tail import LEASE_S, RELEASE, RENEW, WATCHED, Filter
from ports import DatabaseError, Row, Statement
from runtime.listeners import PENDING, ROUND_MS, Listeners


@dataclass
class FakeListener:
    """Somebody who listens, and keeps what is heard."""

    query: str = ""
    closed: bool = False
    waiting: int = 0
    gateway_id: int = 1
    heard: list[object] = field(default_factory=list[object])
    told: str | None = None

    @property
    def wanted(self) -> str:
        return Filter.of(self.query).dump()

    def send(self, rows: Sequence[Mapping[str, object]]) -> None:
        self.heard += [row["model"] for row in rows]

    def beat(self) -> None:
        """Be there."""

    def let_go(self, reason: str) -> None:
        self.told, self.closed = reason, True


@dataclass
class Room:
    """The object of gateway 1."""

    database: SqliteDatabase
    storage: FakeStorage = field(default_factory=FakeStorage)

    @property
    def listeners(self) -> Listeners:
        """The object, which has just come back to memory."""
        return Listeners(self.storage, self.database, FakeClock())

    async def watched(self) -> bool:
        return bool(await self.database.all(WATCHED, "[[1, 0]]"))

    def pass_time(self, seconds: int) -> None:
        sql = "UPDATE tails SET until = until - ?"
        self.database.connection.execute(sql, (1000 * seconds,))


@pytest.fixture
def room(database: SqliteDatabase) -> Room:
    return Room(database)


def rows(*models: str) -> str:
    return json.dumps([a_row(model=model) for model in models])


async def test_who_listens_is_known_to_those_who_write(room: Room) -> None:
    assert not await room.watched()

    await room.listeners.admit(1)

    assert await room.watched()
    assert room.storage.alarm == NOW + ROUND_MS


async def test_each_listener_hears_what_it_wants(room: Room) -> None:
    all_of_it, some = FakeListener(), FakeListener("model=gpt-5")

    await room.listeners.show(rows("gpt-5", "kimi-k2"), [all_of_it, some])

    assert all_of_it.heard == ["gpt-5", "kimi-k2"]
    assert some.heard == ["gpt-5"]


async def test_one_who_does_not_keep_up_is_let_go_and_told_why(room: Room) -> None:
    slow, quick = FakeListener(waiting=PENDING + 1), FakeListener(waiting=PENDING)
    await room.listeners.admit(1)

    await room.listeners.show(rows("gpt-5"), [slow, quick])

    assert (slow.told, slow.heard) == ("too_slow", [])
    assert (quick.told, quick.heard) == (None, ["gpt-5"])
    assert await room.watched()


async def test_one_who_wants_none_of_the_rows_is_not_too_slow_for_them(room: Room) -> None:
    idle = FakeListener("model=kimi-k2", waiting=PENDING + 1)

    await room.listeners.show(rows("gpt-5"), [idle])

    assert idle.told is None


async def test_when_the_last_one_is_let_go_nobody_watches(room: Room) -> None:
    await room.listeners.admit(1)

    await room.listeners.show(rows("gpt-5"), [FakeListener(waiting=PENDING + 1)])

    assert not await room.watched()
    assert room.storage.alarm is None


async def test_the_alarm_renews_the_lease_while_somebody_listens(room: Room) -> None:
    await room.listeners.admit(1)
    room.pass_time(LEASE_S - 1)

    await room.listeners.renew([FakeListener(closed=True), FakeListener()])
    room.pass_time(LEASE_S - 1)

    assert await room.watched()
    assert room.storage.alarm == NOW + ROUND_MS


async def test_one_that_has_left_is_forgotten_and_others_are_not(room: Room) -> None:
    await room.listeners.admit(1)

    await room.listeners.leave([FakeListener()], 1)
    assert await room.watched()
    await room.listeners.leave([], 1)

    assert not await room.watched()


class Turning:
    """A database in which, once, something else happens before a statement is done."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self.meanwhile: dict[str, Callable[[], Awaitable[None]]] = {}

    async def all(self, sql: str, *values: str | float | None) -> Sequence[Row]:
        if meanwhile := self.meanwhile.pop(sql, None):
            await meanwhile()
        return await self._database.all(sql, *values)

    async def batch(self, statements: Sequence[Statement]) -> Sequence[Row]:
        return await self._database.batch(statements)


async def test_one_who_comes_while_the_last_one_leaves_keeps_the_lease(room: Room) -> None:
    database = Turning(room.database)
    listeners = Listeners(room.storage, database, FakeClock())
    await listeners.admit(1)

    database.meanwhile[RELEASE] = lambda: listeners.admit(1)
    await listeners.leave([], 1)

    assert await room.watched()
    assert room.storage.alarm == NOW + ROUND_MS


async def test_so_does_one_who_is_being_let_in_when_the_last_one_leaves(room: Room) -> None:
    database = Turning(room.database)
    listeners = Listeners(room.storage, database, FakeClock())
    await listeners.admit(1)
    released: list[str] = []

    async def leave() -> None:
        released.append(RELEASE)
        await listeners.leave([], 1)
        # The lease is still the one of before.
        assert await room.watched()

    database.meanwhile[RENEW] = leave
    await listeners.admit(1)

    assert released
    assert room.storage.alarm == NOW + ROUND_MS


async def test_watchers_that_vanish_with_their_object_are_watched_for_no_longer(room: Room) -> None:
    await room.listeners.admit(1)
    room.pass_time(LEASE_S)

    # No alarm comes either: the lease ends by itself.
    assert not await room.watched()


async def test_an_object_that_comes_back_without_listeners_gives_the_lease_back(room: Room) -> None:
    await room.listeners.admit(1)

    # A group of rows that somebody wrote in the meantime.
    await room.listeners.show(rows("gpt-5"), [])

    assert not await room.watched()


async def test_without_its_database_nobody_is_let_in(room: Room) -> None:
    broken = Listeners(room.storage, BrokenDatabase(), FakeClock())

    with pytest.raises(DatabaseError):
        await broken.admit(1)

    assert room.storage.alarm is None
    await room.listeners.admit(1)
    await room.listeners.leave([], 1)
    assert not await room.watched()


async def test_without_its_database_who_is_there_stays_and_sees_rows_all_the_same(
    room: Room,
) -> None:
    await room.listeners.admit(1)
    room.storage.alarm = None
    listener = FakeListener()
    broken = Listeners(room.storage, BrokenDatabase(), FakeClock())

    await broken.renew([listener])
    await broken.show(rows("gpt-5"), [listener])

    assert listener.heard == ["gpt-5"]
    assert room.storage.alarm == NOW + ROUND_MS
