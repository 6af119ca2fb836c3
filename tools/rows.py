"""Fill a local database with rows of the log, and time what the management API asks of it.

The database is a file of its own unless `--database` names one, such as that of `make dev`, which
must not be running then: .wrangler/state/v3/d1/miniflare-D1DatabaseObject/*.sqlite.
"""

import argparse
import asyncio
import json
import random
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from api.log_search import Search  # noqa: E402
from api.paging import Page  # noqa: E402
from ids import uuid7  # noqa: E402
from logs.analytics import Charts, Span  # noqa: E402
from logs.periods import DAY_MS, HOUR_MS, MARK_DUE, moment  # noqa: E402
from logs.rollups import roll_up  # noqa: E402
from logs.row import COLUMNS  # noqa: E402
from ports import Row, Statement  # noqa: E402

GROUP = 1_000
ROUNDS = 20
MODELS = {
    "openai": ("gpt-5", "gpt-5-mini", "text-embedding-3-large"),
    "anthropic": ("claude-opus-4-5", "claude-haiku-4-5"),
    "google-ai-studio": ("gemini-3-pro", "gemini-3-flash"),
    "groq": ("llama-4-scout", "kimi-k2"),
}
ADD_GATEWAY = """
INSERT INTO gateways (account_id, id, settings, created_at, modified_at)
VALUES ('local', ?, '{"authentication": false}', ?, ?) RETURNING internal_id
"""
PAGES = {
    "the newest rows": "",
    "of a provider": "provider=groq",
    "of a model": "model=gpt-5",
    "failed": "success=false",
    "dear": "min_cost=0.009",
    "by metadata": "search=user-77",
    "of an event, the oldest one": "filters.key=event_id&filters.operator=eq&filters.value=event-0",
    "by cost": "order_by=cost",
    "with extremes": "meta_info=true",
}


class Sqlite:
    """The Database port on a file."""

    def __init__(self, file: Path) -> None:
        self.connection = sqlite3.connect(file, isolation_level=None)
        self.connection.row_factory = sqlite3.Row
        # As D1 has it: what is written is safe when a batch has been answered.
        self.connection.execute("PRAGMA journal_mode = WAL")

    async def all(self, sql: str, *values: str | int | float | None) -> Sequence[Row]:
        """Run one statement and return its rows."""
        return [dict(row) for row in self.connection.execute(sql, values)]

    async def batch(self, statements: Sequence[Statement]) -> Sequence[Row]:
        """Run statements in one transaction. Return the rows of the last."""
        rows: Sequence[Row] = ()
        self.connection.execute("BEGIN")
        for sql, *values in statements:
            rows = [dict(row) for row in self.connection.execute(sql, values)]
        self.connection.execute("COMMIT")
        return rows


def made(gateway_id: int, number: int, count: int, now: int) -> list[Any]:
    """Return the values of a row: thirty days, the oldest first."""
    when = now - 30 * DAY_MS + number * 30 * DAY_MS // count
    provider = random.choice(list(MODELS))  # noqa: S311 - no secret
    failed = random.random() < 0.05  # noqa: S311
    duration = int(random.lognormvariate(6.5, 0.8))
    tokens = random.randrange(10, 4_000)  # noqa: S311
    told: dict[str, Any] = dict.fromkeys(COLUMNS) | {
        "gateway_id": gateway_id,
        "id": uuid7(when),
        "event_id": f"event-{number // 3}",
        "created_at": when,
        "duration": duration,
        "latency": duration // 3,
        "provider": provider,
        "model": random.choice(MODELS[provider]),  # noqa: S311
        "model_type": "text-generation",
        "path": "chat/completions",
        "request_type": "provider",
        "request_content_type": "application/json",
        "response_content_type": "application/json",
        "status_code": 429 if failed else 200,
        "success": int(not failed),
        "error_code": 2003 if failed else None,
        "cached": int(random.random() < 0.2),  # noqa: S311
        "step": 0,
        "tokens_in": tokens,
        "tokens_out": tokens // 4,
        "metadata": json.dumps({"team": f"team-{number % 7}", "user": f"user-{number % 900}"}),
        "request_size": tokens * 4,
        "response_size": tokens,
        "user_agent": "OpenAI/Python 3.54.0",
        "authentication": 1,
        "cost": tokens / 400_000,
        "custom_cost": 0,
        "attempt": 1,
        "final": 1,
    }
    return [told[column] for column in COLUMNS]


def groups(gateway_id: int, count: int, now: int) -> Iterator[list[list[Any]]]:
    """Return rows in groups."""
    for start in range(0, count, GROUP):
        numbers = range(start, min(start + GROUP, count))
        yield [made(gateway_id, number, count, now) for number in numbers]


async def fill(database: Sqlite, gateway_id: int, count: int, now: int) -> None:
    """Write rows, and tell whether writing stays as quick as it was."""
    values = ", ".join(f"value ->> {index}" for index in range(len(COLUMNS)))
    insert = f"INSERT OR IGNORE INTO logs ({', '.join(COLUMNS)}) SELECT {values} FROM json_each(?)"  # noqa: S608
    took: list[float] = []
    for rows in groups(gateway_id, count, now):
        hours = sorted(
            {(gateway_id, when - when % HOUR_MS) for when in (moment(r[1]) for r in rows)}
        )
        statements: list[Statement] = [(insert, json.dumps(rows)), (MARK_DUE, json.dumps(hours))]
        begun = time.perf_counter()
        await database.batch(statements)
        took.append(time.perf_counter() - begun)
    for name, part in (("first", took[: len(took) // 10]), ("last", took[-len(took) // 10 :])):
        each = 1e6 * sum(part) / max(1, len(part)) / GROUP
        print(f"  inserting, {name} tenth: {each:.1f} us a row")


async def timed(name: str, ask: Callable[[], Awaitable[object]]) -> None:
    """Ask some times, and print the median and the longest."""
    took: list[float] = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        await ask()
        took.append(1000 * (time.perf_counter() - begun))
    took.sort()
    print(f"  {name}: {took[len(took) // 2]:.1f} ms, at most {took[-1]:.1f} ms")


async def charts(database: Sqlite, gateway_id: int, span: Span, now: int) -> None:
    """Ask all that a page of charts asks."""
    asked = Charts(database, [gateway_id], span, now)
    await asked.begin()
    await asked.counts((None, None, None, None), "model")
    await asked.speeds((None, None, None, None))
    await asked.metadata()


async def measure(database: Sqlite, gateway_id: int, now: int) -> None:
    """Time pages of the log, and charts."""
    for name, query in PAGES.items():
        search = Search.of(quote(query, safe="=&"), gateway_id)
        page = Page.of("per_page=50")
        await timed(f"50 rows, {name}", lambda s=search, p=page: s.page(database, "*", p))
    end = -(-now // DAY_MS) * DAY_MS
    for name, days, step in (("a day by hour", 1, HOUR_MS), ("7 days by hour", 7, HOUR_MS),
                             ("31 days by day", 31, DAY_MS)):  # fmt: skip
        span = Span(end - days * DAY_MS, end, step)
        await timed(f"charts of {name}", lambda s=span: charts(database, gateway_id, s, now))


async def run(file: Path, count: int) -> None:
    """Fill, count and measure."""
    database = Sqlite(file)
    if not await database.all("SELECT 1 FROM sqlite_schema WHERE name = 'logs'"):
        database.connection.executescript((ROOT / "schema.sql").read_text())
    now = round(time.time() * 1000)
    rows = await database.all(ADD_GATEWAY, f"rows-{now}", now, now)
    gateway_id: int = rows[0]["internal_id"]
    print(f"{count} rows of the gateway `rows-{now}` in {file}", flush=True)
    await fill(database, gateway_id, count, now)
    begun = time.perf_counter()
    counted = 0
    while done := await roll_up(database, now, 50):
        counted += done
    print(f"  counting: {1000 * (time.perf_counter() - begun) / max(1, counted):.1f} ms a period")
    await measure(database, gateway_id, now)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="rows to make")
    parser.add_argument("--database", type=Path, default=ROOT / "build" / "rows.sqlite")
    options = parser.parse_args()
    options.database.parent.mkdir(parents=True, exist_ok=True)
    asyncio.run(run(options.database, options.count))


if __name__ == "__main__":
    main()
