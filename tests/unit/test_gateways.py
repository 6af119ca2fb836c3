import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping

import pytest

from fakes import BrokenDatabase, FakeClock, FakeSnapshots, SqliteDatabase
from gateways import MEMORY_ENTRIES, MEMORY_MS, STALE_MS, Gateways
from ports import Database, DatabaseError
from snapshot import Gateway

KEY = "gateway:acme:main"
CLOSED = '{"authentication":true}'
OPEN = '{"authentication":false}'


def a_row(internal_id: int, settings: str = OPEN, **more: object) -> dict[str, object]:
    access = {"generations": "{}", "tokens": "[]", "keys": "[]", "customs": "[]", "log_full": 0}
    return {"internal_id": internal_id, "settings": settings, **access, **more}


async def find(
    gateways: Gateways,
    database: Database,
    snapshots: FakeSnapshots | None = None,
    name: str = "main",
) -> Gateway | None:
    return await gateways.find("acme", name, snapshots or FakeSnapshots(), database)


async def test_a_gateway_is_found_in_the_database(database: SqliteDatabase) -> None:
    internal_id = database.add_gateway(settings=OPEN)

    found = await find(Gateways(FakeClock()), database)

    assert found == Gateway(internal_id, "acme", "main", authentication=False, collect_logs=True)


async def test_a_gateway_of_another_account_is_not_found(database: SqliteDatabase) -> None:
    database.add_gateway()

    found = await Gateways(FakeClock()).find("other", "main", FakeSnapshots(), database)

    assert found is None


async def test_what_the_database_said_is_kept_as_a_snapshot(database: SqliteDatabase) -> None:
    internal_id = database.add_gateway(settings=OPEN)
    snapshots = FakeSnapshots()

    await find(Gateways(FakeClock()), database, snapshots)

    assert {key: json.loads(text) for key, text in snapshots.copies.items()} == {
        KEY: a_row(internal_id)
    }
    assert snapshots.ttls == {KEY: 600}


class ChangingSnapshots(FakeSnapshots):
    """Snapshots of a gateway that somebody changes while its snapshot is being written."""

    def __init__(self, database: SqliteDatabase) -> None:
        super().__init__()
        self._database = database

    async def put(self, key: str, text: str, ttl: int) -> None:
        self._database.connection.execute("UPDATE gateways SET settings = ?", (CLOSED,))
        await self.delete(key)
        await super().put(key, text, ttl)


async def test_a_snapshot_of_what_has_been_changed_meanwhile_does_not_stay(
    database: SqliteDatabase,
) -> None:
    database.add_gateway(settings=OPEN)
    snapshots = ChangingSnapshots(database)

    await find(Gateways(FakeClock()), database, snapshots)

    assert snapshots.copies == {}


async def test_a_snapshot_spares_the_database() -> None:
    snapshots = FakeSnapshots({KEY: json.dumps(a_row(7))})

    found = await find(Gateways(FakeClock()), BrokenDatabase(), snapshots)

    assert found == Gateway(7, "acme", "main", authentication=False, collect_logs=True)


@pytest.mark.parametrize(
    "snapshot",
    [
        "",
        "x",
        "[]",
        "{}",
        "null",
        '[7,"{}"]',
        json.dumps(a_row(7, "x")),
        json.dumps(a_row(7, keys="{}")),
    ],
)
async def test_an_unreadable_snapshot_is_told_and_replaced(
    database: SqliteDatabase, caplog: pytest.LogCaptureFixture, snapshot: str
) -> None:
    internal_id = database.add_gateway(settings=CLOSED)
    snapshots = FakeSnapshots({KEY: snapshot})

    found = await find(Gateways(FakeClock()), database, snapshots)

    assert found
    assert found.internal_id == internal_id
    assert json.loads(snapshots.copies[KEY]) == a_row(internal_id, CLOSED)
    assert f"snapshot '{KEY}' is unreadable" in caplog.text


async def test_an_isolate_trusts_its_memory_for_five_seconds(database: SqliteDatabase) -> None:
    database.add_gateway(settings=OPEN)
    clock = FakeClock()
    gateways = Gateways(clock)
    first = await find(gateways, database)

    clock.now += 4_999

    assert await find(gateways, BrokenDatabase()) is first


async def test_a_change_is_seen_after_five_seconds(database: SqliteDatabase) -> None:
    database.add_gateway(settings=OPEN)
    clock = FakeClock()
    gateways = Gateways(clock)
    await find(gateways, database)
    database.connection.execute("UPDATE gateways SET settings = ?", (CLOSED,))

    clock.now += 5_000
    found = await find(gateways, database)

    assert found
    assert found.authentication


async def test_that_a_gateway_does_not_exist_is_remembered_too(database: SqliteDatabase) -> None:
    clock = FakeClock()
    gateways = Gateways(clock)
    snapshots = FakeSnapshots()
    await find(gateways, database, snapshots)

    clock.now += 4_999

    assert await find(gateways, BrokenDatabase(), snapshots) is None
    assert snapshots.copies == {}


async def test_a_new_gateway_is_seen_after_five_seconds(database: SqliteDatabase) -> None:
    clock = FakeClock()
    gateways = Gateways(clock)
    await find(gateways, database)
    database.add_gateway()

    clock.now += 5_000

    assert await find(gateways, database)


async def test_the_gateways_of_one_name_in_two_accounts_are_two() -> None:
    gateways = Gateways(FakeClock())
    snapshots = FakeSnapshots(
        {KEY: json.dumps(a_row(1)), "gateway:other:main": json.dumps(a_row(2))}
    )

    found = [
        await gateways.find(account, "main", snapshots, BrokenDatabase())
        for account in ("acme", "other", "acme")
    ]

    assert [gateway and gateway.internal_id for gateway in found] == [1, 2, 1]


async def test_memory_is_bounded(database: SqliteDatabase) -> None:
    gateways = Gateways(FakeClock())
    database.add_gateway()
    await find(gateways, database)

    for number in range(MEMORY_ENTRIES - 1):
        await find(gateways, database, name=f"no-{number}")
    assert await find(gateways, BrokenDatabase())
    await find(gateways, database, name="one-more")

    with pytest.raises(DatabaseError):
        await find(gateways, BrokenDatabase())


async def test_a_failure_is_not_remembered(database: SqliteDatabase) -> None:
    database.add_gateway()
    gateways = Gateways(FakeClock())
    with pytest.raises(DatabaseError):
        await find(gateways, BrokenDatabase())

    assert await find(gateways, database)


class AskedSnapshots(FakeSnapshots):
    """Snapshots that somebody asks for while one is being deleted."""

    def __init__(self) -> None:
        super().__init__()
        self.asking: Callable[[], Awaitable[object]] | None = None

    async def delete(self, key: str) -> None:
        if self.asking:
            await self.asking()
        await super().delete(key)


async def test_what_is_read_while_a_snapshot_is_deleted_is_not_remembered(
    database: SqliteDatabase,
) -> None:
    database.add_gateway(settings=OPEN)
    snapshots, gateways = AskedSnapshots(), Gateways(FakeClock())
    await find(gateways, database, snapshots)
    snapshots.asking = lambda: find(gateways, database, snapshots)
    database.connection.execute("UPDATE gateways SET settings = ?", (CLOSED,))

    await gateways.changed("acme", "main", snapshots)

    found = await find(gateways, database, snapshots)
    assert found
    assert found.authentication


class SlowSnapshots(FakeSnapshots):
    """Snapshots that are read, and given out when the test says so."""

    def __init__(self, copies: Mapping[str, str]) -> None:
        super().__init__(copies)
        self.gate = asyncio.Event()

    async def get(self, key: str) -> str | None:
        copy = await super().get(key)
        await self.gate.wait()
        return copy


async def test_what_was_read_before_a_change_is_not_remembered_after_it(
    database: SqliteDatabase,
) -> None:
    number = database.add_gateway(settings=CLOSED)
    snapshots, gateways = SlowSnapshots({KEY: json.dumps(a_row(number))}), Gateways(FakeClock())
    early = asyncio.create_task(find(gateways, database, snapshots))
    await asyncio.sleep(0)

    await gateways.changed("acme", "main", snapshots)
    snapshots.gate.set()
    before = await early

    found = await find(gateways, database, snapshots)
    assert before
    assert found
    assert (before.authentication, found.authentication) == (False, True)


async def test_who_read_a_snapshot_that_does_not_stay_remembers_nothing_of_it(
    database: SqliteDatabase,
) -> None:
    database.add_gateway(settings=OPEN)
    snapshots, gateways = ChangingSnapshots(database), Gateways(FakeClock())

    await find(gateways, database, snapshots)

    found = await find(gateways, database, FakeSnapshots())
    assert found
    assert found.authentication


async def test_what_an_isolate_knew_is_no_stopgap_once_it_was_changed(
    database: SqliteDatabase,
) -> None:
    database.add_gateway(settings=OPEN)
    clock, snapshots = FakeClock(), FakeSnapshots()
    gateways = Gateways(clock)
    await find(gateways, database, snapshots)
    clock.now += MEMORY_MS
    slow = SlowSnapshots({})
    asking = asyncio.create_task(find(gateways, BrokenDatabase(), slow))
    await asyncio.sleep(0)

    await gateways.changed("acme", "main", snapshots)
    slow.gate.set()

    with pytest.raises(DatabaseError):
        await asking


async def test_gateways_are_forgotten_though_nobody_knows_whether_the_change_was_made(
    database: SqliteDatabase,
) -> None:
    database.add_gateway()
    snapshots, gateways = FakeSnapshots(), Gateways(FakeClock())
    await find(gateways, database, snapshots)

    with pytest.raises(DatabaseError):
        async with gateways.changing("acme", snapshots, database):
            raise DatabaseError("the answer was lost")

    assert snapshots.copies == {}


async def test_a_change_does_not_begin_where_it_could_not_be_finished() -> None:
    begun = False

    with pytest.raises(DatabaseError):
        async with Gateways(FakeClock()).changing("acme", FakeSnapshots(), BrokenDatabase()):
            begun = True

    assert not begun


async def test_what_was_changed_here_is_seen_here_at_once(database: SqliteDatabase) -> None:
    database.add_gateway(settings=OPEN)
    snapshots, gateways = FakeSnapshots(), Gateways(FakeClock())
    await find(gateways, database, snapshots)
    database.connection.execute("UPDATE gateways SET settings = ?", (CLOSED,))

    await gateways.changed("acme", "main", snapshots)

    found = await find(gateways, database, snapshots)
    assert found
    assert found.authentication


async def test_a_change_of_an_account_is_seen_in_all_its_gateways_and_in_no_other(
    database: SqliteDatabase,
) -> None:
    for name in ("main", "other"):
        database.add_gateway(name, settings=OPEN)
    snapshots, gateways = FakeSnapshots(), Gateways(FakeClock())
    snapshots.copies["gateway:else:main"] = json.dumps(a_row(9))
    before = [await find(gateways, database, snapshots, name) for name in ("main", "other")]

    async with gateways.changing("acme", snapshots, database):
        pass

    assert list(snapshots.copies) == ["gateway:else:main"]
    after = [await find(gateways, database, snapshots, name) for name in ("main", "other")]
    assert before == after
    assert all(old is not new for old, new in zip(before, after, strict=True))


async def test_a_gateway_knows_its_own_keys_and_the_tokens_and_customs_of_its_account(
    database: SqliteDatabase,
) -> None:
    number = database.add_gateway()
    other = database.add_gateway("other")
    run = database.connection.execute
    for name, gateway in (("k1", number), ("k2", other)):
        sql = "INSERT INTO provider_keys VALUES (?, ?, 'openai', 'default', 1, 's', '', 0, 0)"
        run(sql, (name, gateway))
    scopes = (("t1", "acme", '["run"]', None), ("t2", "acme", '["read"]', None))
    more = (("t3", "acme", '["edit","run"]', '["main"]'), ("t4", "acme", '["run"]', '["other"]'))
    for name, account, scope, gateways_ in (*scopes, *more, ("t5", "else", '["run"]', None)):
        sql = "INSERT INTO tokens VALUES (?1, ?2, 'n', 'd-' || ?1, '', ?3, ?4, NULL, 0)"
        run(sql, (name, account, scope, gateways_))
    for slug, account, enable in (("on", "acme", 1), ("off", "acme", 0), ("theirs", "else", 1)):
        sql = "INSERT INTO custom_providers VALUES (?1, ?2, ?1, '', '', NULL, ?3, '{}', 0, 0)"
        run(sql, (slug, account, enable))

    found = await find(Gateways(FakeClock()), database)

    assert found
    assert [(key.id, key.default) for key in found.keys] == [("k1", True)]
    assert {token.id for token in found.tokens.values()} == {"t1", "t3"}
    assert list(found.customs) == ["on"]


async def test_what_an_isolate_knew_holds_for_another_minute_where_nothing_can_be_read(
    database: SqliteDatabase,
) -> None:
    clock, broken = FakeClock(), BrokenDatabase()
    database.add_gateway()
    gateways = Gateways(clock)
    known = await find(gateways, database)

    clock.now += MEMORY_MS + STALE_MS - 1
    meanwhile = await find(gateways, broken)
    clock.now += 1

    assert known is not None
    assert meanwhile == known
    with pytest.raises(DatabaseError):
        await find(gateways, broken)


async def test_and_not_a_moment_longer_than_until_it_can_be_read(database: SqliteDatabase) -> None:
    clock = FakeClock()
    database.add_gateway(settings=OPEN)
    gateways = Gateways(clock)
    await find(gateways, database)
    clock.now += MEMORY_MS
    await find(gateways, BrokenDatabase())
    database.connection.execute("UPDATE gateways SET settings = ?", (CLOSED,))

    found = await find(gateways, database)

    assert found is not None
    assert found.authentication
