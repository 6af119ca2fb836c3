"""Charts: what went through a gateway, or all gateways of an account, in a time."""

from collections.abc import Sequence
from urllib.parse import parse_qsl

from api.chart_shape import ChartQuery, ShownCharts
from api.envelope import iso, success
from api.gateways import internal_id
from api.parameters import checked, date, flag, one_of
from api.route import shaped
from api.task import Task
from call import Reply
from errors import BadParameter
from logs.analytics import GROUPINGS, Charts, Span, Wanted, together
from logs.periods import DAY_MS, HOUR_MS
from logs.rollups import middle
from ports import Row

_INTERVALS = {"hour": HOUR_MS, "day": DAY_MS}
_LONGEST_DAYS = {"hour": 8, "day": 732}
_STATUSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
_OF_ACCOUNT = "SELECT internal_id FROM gateways WHERE account_id = ?1"


@shaped(ShownCharts, query=ChartQuery)
async def gateway_analytics(task: Task, gateway: str) -> Reply:
    """Return totals, series, errors, speeds and metadata. Raises BadParameter, GatewayNotFound."""
    await task.isolate.journal.flush(task.ports.database, task.ports.tails)
    return await _analytics(task, [await internal_id(task, gateway)])


@shaped(ShownCharts, query=ChartQuery)
async def account_analytics(task: Task) -> Reply:
    """Return the same of all gateways together. Raises BadParameter."""
    await task.isolate.journal.flush(task.ports.database, task.ports.tails)
    rows = await task.ports.database.all(_OF_ACCOUNT, task.account)
    return await _analytics(task, [row["internal_id"] for row in rows])


async def _analytics(task: Task, gateway_ids: Sequence[int]) -> Reply:
    given = dict(parse_qsl(task.query))
    now = task.ports.clock()
    interval, span = _span(given, round(now))
    grouping = given.get("group_by")
    if grouping is not None:
        checked("group_by", grouping, one_of(*GROUPINGS))
    wanted = _wanted(given)
    charts = Charts(task.ports.database, gateway_ids, span, now)
    await charts.begin()
    (totals, errors, series), speeds, metadata = await together(
        charts.counts(wanted, grouping), charts.speeds(wanted), charts.metadata()
    )
    told = {
        "start": iso(span.start),
        "end": iso(span.end),
        "interval": interval,
        "group_by": grouping,
        "totals": _counts(totals),
        "errors": [dict(row) for row in errors],
        "series": [_point(row, grouping) for row in series],
        "latency": _speeds(speeds),
        "metadata": _metadata(metadata),
        "uncounted_hours": [iso(start) for start in charts.uncounted],
    }
    return success(told)


def _span(given: dict[str, str], now: int) -> tuple[str, Span]:
    end = checked("end", given.get("end", str(now)), date)
    start = checked("start", given.get("start", str(max(0, end - DAY_MS))), date)
    usual = "hour" if end - start <= 7 * DAY_MS else "day"
    interval = checked("interval", given.get("interval", usual), one_of(*_INTERVALS))
    step = _INTERVALS[interval]
    span = Span(start // step * step, -(-end // step) * step, step)
    if not 0 < span.end - span.start <= _LONGEST_DAYS[interval] * DAY_MS + step:
        rule = f"Use a time before `end`, {_LONGEST_DAYS[interval]} days at most"
        raise BadParameter("start", given.get("start", ""), rule)
    return interval, span


def _wanted(given: dict[str, str]) -> Wanted:
    status = checked("status", given["status"], one_of(*_STATUSES)) if "status" in given else None
    cached = checked("cached", given["cached"], flag) if "cached" in given else None
    return given.get("provider"), given.get("model"), int(status[0]) if status else None, cached


def _counts(row: Row) -> dict[str, object]:
    requests: int = row["requests"] or 0
    return {
        "requests": requests,
        "attempts": row["attempts"] or 0,
        "failed": row["failed"] or 0,
        "rate_limited": row["rate_limited"] or 0,
        "cache_hits": row["cache_hits"] or 0,
        "cache_hit_rate": row["cache_hits"] / requests if requests else None,
        "tokens_in": row["tokens_in"] or 0,
        "tokens_out": row["tokens_out"] or 0,
        "tokens_cached": row["tokens_cached"] or 0,
        "cost": row["cost"] or 0.0,
        "unpriced_attempts": row["unpriced"] or 0,
        "saved": row["saved"] or 0.0,
    }


def _point(row: Row, grouping: str | None) -> dict[str, object]:
    group = {"group": row["group"] or None} if grouping else {}
    return {"start": iso(row["start"]), **group, **_counts(row)}


def _speeds(rows: Sequence[Row]) -> list[dict[str, object]]:
    told: dict[tuple[str, str], dict[str, object]] = {}
    for row in rows:
        name = (row["provider"], row["model"])
        one = told.setdefault(name, {"provider": name[0], "model": name[1] or None})
        one[row["kind"]] = {
            "attempts": row["attempts"],
            **{name: middle(row[name]) for name in ("p50", "p90", "p99")},
        }
    return list(told.values())


def _metadata(rows: Sequence[Row]) -> dict[str, list[dict[str, object]]]:
    told: dict[str, list[dict[str, object]]] = {}
    for row in rows:
        entry = {"value": row["value"], "requests": row["requests"]}
        told.setdefault(row["key"], []).append(entry)
    return told
