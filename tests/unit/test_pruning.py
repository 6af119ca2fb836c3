"""The audit log, evaluations and roll-ups go when their days are over, and not before."""

import pytest

from errors import Misconfigured
from explained import Explained
from fakes import NOW, Bench, FakeClock
from ids import uuid7
from logged import add_row
from logs.periods import DAY_MS
from logs.pruning import ROWS, Days, prune
from logs.rollups import roll_up
from maintenance import maintain


async def run(bench: Bench, days: Days) -> None:
    await maintain(bench.database, bench.snapshots, bench.clock, days)


def changed(bench: Bench, age: float, account: str = "acme") -> str:
    """Write a row of the audit log."""
    sql = """INSERT INTO audit_logs (account_id, id, created_at, actor, action, resource, outcome,
        request_id) VALUES (?, ?, 0, 'admin', 'create', 'gateway', 'done', 'r')"""
    row = uuid7(NOW - age * DAY_MS)
    bench.database.connection.execute(sql, (account, row))
    return row


def evaluated(bench: Bench, age: float) -> str:
    """Write an evaluation."""
    sql = "INSERT INTO evaluations VALUES (1, ?, 'n', '[]', '[]', 0, 0)"
    row = uuid7(NOW - age * DAY_MS)
    bench.database.connection.execute(sql, (row,))
    return row


def ids(bench: Bench, table: str) -> list[str]:
    return [row["id"] for row in bench.database.rows(table)]


def spans(bench: Bench, table: str = "rollups") -> set[tuple[int, int]]:
    return {(row["span"], row["start"]) for row in bench.database.rows(table)}


async def test_unless_somebody_says_so_evaluations_stay_and_changes_for_18_months(
    bench: Bench,
) -> None:
    kept = evaluated(bench, 4_000)
    changed(bench, 551)
    young = changed(bench, 549)

    await run(bench, Days())

    assert ids(bench, "evaluations") == [kept]
    assert ids(bench, "audit_logs") == [young]


async def test_the_audit_log_of_every_account_goes_when_its_days_are_over(bench: Bench) -> None:
    for account in ("acme", "other", "third"):
        changed(bench, 31, account)
    young = changed(bench, 29, "other")

    await run(bench, Days(audit_log_days=30))

    assert ids(bench, "audit_logs") == [young]


async def test_more_than_one_transaction_holds_goes_in_one_run(bench: Bench) -> None:
    for _ in range(ROWS + 1):
        changed(bench, 31)

    await run(bench, Days(audit_log_days=30))

    assert ids(bench, "audit_logs") == []


async def test_a_run_whose_time_is_over_begins_nothing(bench: Bench) -> None:
    old = changed(bench, 31)

    class Late(FakeClock):
        def __call__(self) -> float:
            self.now += 60_000
            return self.now

    await maintain(bench.database, bench.snapshots, Late(), Days(audit_log_days=30))

    assert ids(bench, "audit_logs") == [old]


async def test_evaluations_go_where_a_deployment_says_so(bench: Bench) -> None:
    evaluated(bench, 31)
    young = evaluated(bench, 29)

    await run(bench, Days(evaluation_days=30))

    assert ids(bench, "evaluations") == [young]


async def test_roll_ups_go_with_their_days_and_rows_of_the_log_stay(bench: Bench) -> None:
    old = add_row(bench.database, NOW - 40 * DAY_MS, metadata={"team": "blue"})
    add_row(bench.database, NOW - 3 * DAY_MS, metadata={"team": "blue"})
    await roll_up(bench.database, NOW, 50)
    before = spans(bench)

    await run(bench, Days(chart_days=30))

    after = spans(bench)
    assert (len(before), len(after)) == (4, 2)
    assert all(start > NOW - 31 * DAY_MS for _, start in after)
    assert spans(bench, "rollup_speeds") == spans(bench, "rollup_metadata") == after
    assert old in ids(bench, "logs")
    # The hour of a row that is still there is known, that of no row is not.
    assert len(spans(bench, "log_periods")) == 3


async def test_zero_days_are_for_ever(bench: Bench) -> None:
    changed(bench, 4_000)
    add_row(bench.database, NOW - 4_000 * DAY_MS)

    await run(bench, Days(audit_log_days=0, chart_days=0))

    assert len(ids(bench, "audit_logs")) == 1
    assert len(spans(bench)) == 2


def test_days_are_variables_of_the_deployment() -> None:
    assert Days.of({"AUDIT_LOG_DAYS": "30", "EVALUATION_DAYS": None, "CHART_DAYS": ""}) == Days(30)


@pytest.mark.parametrize("text", ["-1", "1.5", "ten", "99999", "1_0"])
def test_what_is_no_number_of_days_is_refused(text: str) -> None:
    with pytest.raises(Misconfigured, match="CHART_DAYS"):
        Days.of({"CHART_DAYS": text})


async def test_what_is_old_is_found_by_keys() -> None:
    database = Explained()

    await prune(database, Days(30, 30, 30), FakeClock(), NOW + 1)

    searches = [plan for plan in database.plans if plan.startswith("SEARCH")]
    assert "SEARCH rollups USING PRIMARY KEY (gateway_id=? AND span=? AND start<?)" in searches
    assert searches.count("SEARCH old USING PRIMARY KEY (account_id=? AND id<?)") == 1
    assert searches.count("SEARCH old USING PRIMARY KEY (gateway_id=? AND id<?)") >= 1
    tables = ("audit_logs", "evaluations", "rollups", "old", "next")
    assert not [plan for plan in database.plans for table in tables if plan == f"SCAN {table}"]
    database.close()
