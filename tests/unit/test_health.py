import json
from dataclasses import replace

from fakes import Bench, BrokenDatabase
from health import SCHEMA_VERSION, health


async def test_a_whole_deployment_is_ok(bench: Bench) -> None:
    reply = await health(
        replace(bench.ports, bindings={"DB": True, "AI": True}), bench.isolate.journal
    )

    assert (reply.status, reply.headers["cache-control"]) == (200, "no-store")
    assert json.loads(str(reply.body)) == {
        "status": "ok",
        "bindings": {"DB": True, "AI": True},
        "schema": {"version": SCHEMA_VERSION, "expected": SCHEMA_VERSION},
        "logs": {"lost": 0, "lost_bodies": 0, "waiting": 0},
    }


async def test_a_missing_binding_is_told(bench: Bench) -> None:
    reply = await health(
        replace(bench.ports, bindings={"DB": True, "CACHE": False}), bench.isolate.journal
    )

    assert reply.status == 503
    told = json.loads(str(reply.body))
    assert (told["status"], told["bindings"]["CACHE"]) == ("degraded", False)


async def test_a_machine_of_one_s_own_needs_no_workers_ai(bench: Bench) -> None:
    reply = await health(
        replace(bench.ports, bindings={"DB": True, "AI": False}), bench.isolate.journal
    )

    assert reply.status == 200
    assert json.loads(str(reply.body))["bindings"]["AI"] is False


async def test_a_database_that_needs_migrations_is_told(bench: Bench) -> None:
    bench.database.connection.execute("DELETE FROM d1_migrations")

    reply = await health(bench.ports, bench.isolate.journal)

    assert reply.status == 503
    assert json.loads(str(reply.body))["schema"] == {"version": 0, "expected": SCHEMA_VERSION}


async def test_a_database_of_a_newer_release_is_ok(bench: Bench) -> None:
    bench.database.connection.execute("INSERT INTO d1_migrations (name) VALUES ('9999.sql')")

    assert (await health(bench.ports, bench.isolate.journal)).status == 200


async def test_a_database_without_migrations_is_of_unknown_version(bench: Bench) -> None:
    bench.database.connection.execute("DROP TABLE d1_migrations")

    reply = await health(bench.ports, bench.isolate.journal)

    assert reply.status == 503
    assert json.loads(str(reply.body))["schema"]["version"] is None


async def test_a_database_that_cannot_be_reached_is_told_and_nothing_of_the_reason(
    bench: Bench,
) -> None:
    reply = await health(replace(bench.ports, database=BrokenDatabase()), bench.isolate.journal)

    assert reply.status == 503
    assert json.loads(str(reply.body))["status"] == "degraded"
    assert "no connection" not in str(reply.body)
