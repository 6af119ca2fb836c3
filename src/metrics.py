"""What went through all gateways since the month began, for Prometheus to read.

Counters that grow, of roll-ups alone: a scrape costs the same however many rows the log has. They
begin anew with each month (UTC), which Prometheus takes for what it is, so that what is added up
stays bounded. https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from math import floor, fsum

from call import Reply, Request
from errors import NotFound, Unauthorized
from isolate import Isolate
from keys.tokens import same
from logs.periods import DAY_MS, HOUR_MS, SLICE_MS
from logs.rollups import SUMS, middle_sql
from logs.slices import GATEWAYS, make_slices
from ports import Ports, Row

SERIES = 200
"""Models of providers of gateways that are told by their names: those with most attempts."""
OTHER = "(other)"
BOUNDS = (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000)
"""Milliseconds: where buckets end. Buckets of the roll-ups begin there."""

_ACTIVE = f"""
SELECT internal_id, account_id, id FROM gateways WHERE EXISTS (
  SELECT 1 FROM log_periods WHERE gateway_id = internal_id AND span = {HOUR_MS} AND start >= ?1
) ORDER BY internal_id LIMIT {GATEWAYS}
"""  # noqa: S608 - our own numbers
# Days that are counted, hours of the others, and slices of hours that are not: of older ones too,
# where the cron is late.
_PERIODS = f"""
WITH asked AS MATERIALIZED (SELECT value AS gateway_id FROM json_each(?1)),
days AS MATERIALIZED (
  SELECT gateway_id, span, start FROM asked CROSS JOIN log_periods USING (gateway_id)
  WHERE span = {DAY_MS} AND start >= ?2 AND NOT due
),
periods AS MATERIALIZED (
  SELECT gateway_id, span, start FROM days UNION ALL
  SELECT gateway_id, span, start FROM asked CROSS JOIN log_periods USING (gateway_id)
  WHERE span = {HOUR_MS} AND start >= ?2 AND NOT EXISTS (
    SELECT 1 FROM days WHERE days.gateway_id = log_periods.gateway_id
    AND days.start = log_periods.start / {DAY_MS} * {DAY_MS}
  ) UNION ALL
  SELECT DISTINCT gateway_id, span, start FROM asked CROSS JOIN rollups USING (gateway_id)
  WHERE span = {SLICE_MS} AND start >= ?2
)
"""  # noqa: S608
_TOLD = ", ".join(
    f"CASE WHEN told THEN {name} END AS {name}" for name in ("gateway_id", "provider", "model")
)
"""Callers make up models: only so many have a name, and all others together have none."""
_COUNT_SUMS = ", ".join(f"sum({name}) AS {name}" for name in SUMS)
_COUNTS = f"""{_PERIODS},
counted AS MATERIALIZED (
  SELECT gateway_id, provider, model, status_code / 100 AS status, cached, {_COUNT_SUMS}
  FROM periods CROSS JOIN rollups USING (gateway_id, span, start) GROUP BY 1, 2, 3, 4, 5
)
SELECT {_TOLD}, status, cached, {_COUNT_SUMS} FROM (
  SELECT *, dense_rank() OVER (ORDER BY busy DESC, gateway_id, provider, model) <= {SERIES} AS told
  FROM (
    SELECT *, sum(requests + attempts) OVER (PARTITION BY gateway_id, provider, model) AS busy
    FROM counted
  )
) GROUP BY 1, 2, 3, 4, 5
"""  # noqa: S608
_BUCKET = " ".join(f"WHEN one.key + 0 < {bound} THEN {bound}" for bound in BOUNDS)
# ?3 the names that are told: [[gateway, provider, model], …].
_SPEEDS = f"""{_PERIODS},
timed AS MATERIALIZED (
  SELECT gateway_id, provider, model, kind, bucket, sum(attempts) AS attempts, sum(took) AS took
  FROM (
    SELECT gateway_id, provider, model, kind, CASE {_BUCKET} END AS bucket,
      one.value AS attempts, ({middle_sql("(one.key + 0)")}) * one.value AS took
    FROM periods CROSS JOIN rollup_speeds AS rolled USING (gateway_id, span, start)
    CROSS JOIN json_each(rolled.counts) AS one
  ) GROUP BY 1, 2, 3, 4, 5
)
SELECT {_TOLD}, kind, bucket, sum(attempts) AS attempts, sum(took) AS took FROM (
  SELECT *, (gateway_id, provider, model) IN (
    SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?3)) AS told
  FROM timed
) GROUP BY 1, 2, 3, 4, 5
"""  # noqa: S608
_MONEY = ("cost", "saved")
_ABOVE = 3.3e-5
"""Millionths of a USD by which the cut lies below each whole one."""
_SUMS = {
    "attempts": "Attempts at providers",
    "failed": "Requests that failed",
    "tokens_in": "Tokens of prompts",
    "tokens_out": "Tokens of answers",
    "tokens_cached": "Tokens of prompts that vendors had cached",
    "cost": "USD",
    "unpriced": "Attempts that used something whose price is unknown",
    "saved": "USD that the cache saved",
}
_REQUESTS = "Requests, by the class of their status and whether they came from the cache"
_ISOLATE = {
    "lost": "Rows of the log that this isolate has lost",
    "lost_bodies": "Bodies of the log that this isolate has lost",
    "waiting": "Rows and bodies of the log that wait in this isolate",
}

Names = tuple[str, str, str, str]
"""Account, gateway, provider, model."""
_LABELS = ("account", "gateway", "provider", "model")


async def metrics(request: Request, isolate: Isolate, ports: Ports) -> Reply:
    """Return the metrics since the month began. Raises NotFound, Unauthorized, DatabaseError."""
    _admit(request, isolate.deployment.admin_token)
    now = ports.clock()
    await make_slices(ports.database, now)
    since = _month(now)
    active = await ports.database.all(_ACTIVE, since)
    asked = json.dumps([one["internal_id"] for one in active]), since
    counts = await ports.database.all(_COUNTS, *asked)
    gateways = {one["internal_id"]: (one["account_id"], one["id"]) for one in active}
    told = {_key(row): _names(gateways, row) for row in counts}
    named = json.dumps([key for key in told if key != _OTHERS], ensure_ascii=False)
    # What has been counted in between has no name yet: the next scrape tells it.
    rows = await ports.database.all(_SPEEDS, *asked, named)
    speeds = [row for row in rows if _key(row) in told]
    families = [*_counted(told, counts), *_took(told, speeds), *_waiting(isolate.journal.state())]
    headers = {"content-type": "text/plain; version=0.0.4", "cache-control": "no-store"}
    return Reply(200, headers, "".join(families))


def _month(now: float) -> int:
    moment = datetime.fromtimestamp(now / 1000, UTC)
    month = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return round(month.timestamp() * 1000)


def _admit(request: Request, admin_token: str | None) -> None:
    if admin_token is None:
        raise NotFound("/metrics")
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not same(given.strip(), admin_token):
        raise Unauthorized


Key = tuple[int | None, str | None, str | None]
_OTHERS: Key = (None, None, None)


def _key(row: Row) -> Key:
    return row["gateway_id"], row["provider"], row["model"]


def _names(gateways: Mapping[int, tuple[str, str]], row: Row) -> Names:
    """Return what a series is called."""
    if _key(row) == _OTHERS:
        return OTHER, OTHER, OTHER, OTHER
    return *gateways[row["gateway_id"]], row["provider"], row["model"]


def _counted(told: Mapping[Key, Names], counts: Sequence[Row]) -> Iterable[str]:
    requests: Counter[tuple[str, ...]] = Counter()
    parts: dict[str, dict[tuple[str, ...], list[float]]] = {name: {} for name in _SUMS}
    for row in counts:
        names = told[_key(row)]
        status, cached = f"{row['status']}xx", "true" if row["cached"] else "false"
        requests[(*names, status, cached)] += row["requests"]
        for name, of_names in parts.items():
            of_names.setdefault(names, []).append(row[name])
    yield _head("requests_total", _REQUESTS, "counter")
    yield _samples("requests_total", (*_LABELS, "status", "cached"), requests)
    for name, about in _SUMS.items():
        yield _head(f"{name}_total", about, "counter")
        total = _usd if name in _MONEY else sum
        sums = {names: total(several) for names, several in parts[name].items()}
        yield _samples(f"{name}_total", _LABELS, sums)


def _usd(parts: Sequence[float]) -> float:
    """Return a sum, cut to whole millionths of a USD.

    The parts of an hour may come to a hair more than the hour, for they are floats, and a counter
    that falls is taken for one that began anew. No sum of prices lies where the cut is.
    """
    return floor(fsum(parts) * 1e6 + _ABOVE) / 1e6


def _took(told: Mapping[Key, Names], speeds: Sequence[Row]) -> Iterable[str]:
    buckets: dict[tuple[str, ...], Counter[int | None]] = {}
    took: Counter[tuple[str, ...]] = Counter()
    for row in speeds:
        names = (*told[_key(row)], row["kind"])
        buckets.setdefault(names, Counter())[row["bucket"]] += row["attempts"]
        took[names] += row["took"]
    upto: dict[tuple[str, ...], int] = {}
    for names, counter in buckets.items():
        for bound in BOUNDS:
            upto[*names, f"{bound / 1000:g}"] = sum(counter[b] for b in BOUNDS if b <= bound)
        upto[*names, "+Inf"] = counter.total()
    labels = (*_LABELS, "kind")
    about = "How long successful attempts took: in all, and to the first byte"
    yield _head("latency_seconds", about, "histogram")
    yield _samples("latency_seconds_bucket", (*labels, "le"), upto)
    seconds = {names: ms / 1000 for names, ms in took.items()}
    yield _samples("latency_seconds_sum", labels, seconds)
    counted = {names: counter.total() for names, counter in buckets.items()}
    yield _samples("latency_seconds_count", labels, counted)


def _waiting(state: Mapping[str, int]) -> Iterable[str]:
    for name, about in _ISOLATE.items():
        yield _head(f"log_{name}", about, "gauge") + _samples(f"log_{name}", (), {(): state[name]})


def _head(name: str, about: str, kind: str) -> str:
    return f"# HELP sluice_{name} {about}.\n# TYPE sluice_{name} {kind}\n"


def _samples(name: str, labels: Sequence[str], samples: Mapping[tuple[str, ...], float]) -> str:
    lines: list[str] = []
    for values, sample in samples.items():
        pairs = [f'{label}="{_text(value)}"' for label, value in zip(labels, values, strict=True)]
        lines.append(f"sluice_{name}{{{','.join(pairs)}}} {sample}\n")
    return "".join(lines)


def _text(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
