"""What went through all gateways in the last minutes, for Prometheus to read.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from call import Reply, Request
from errors import NotFound, Unauthorized
from isolate import Isolate
from periods import HOUR_MS, first_id
from ports import Ports, Row
from rollups import COUNTS_OF_ROWS, SPEEDS_OF_ROWS, middle
from tokens import same

WINDOW_MS = 300_000
"""What the last minutes are."""
GATEWAYS = 200
"""Gateways that are told of."""
SERIES = 200
"""Models of providers of gateways that are told by their names: those with most attempts."""
OTHER = "(other)"
QUANTILES = (0.5, 0.9, 0.99)

# Gateways that have had rows since: an hour is due from its first row on.
_ACTIVE = f"""
SELECT internal_id, account_id, id FROM log_periods JOIN gateways ON internal_id = gateway_id
WHERE span = {HOUR_MS} AND start >= ?1 GROUP BY 1 ORDER BY sum(rows) DESC, 1 LIMIT {GATEWAYS}
"""  # noqa: S608 - our own numbers
_SUMS = {
    "attempts": "Attempts at providers",
    "failed": "Requests that failed",
    "tokens_in": "Tokens of prompts",
    "tokens_out": "Tokens of answers",
    "tokens_cached": "Tokens of prompts that vendors had cached",
    "cost": "USD",
    "unpriced": "Attempts whose cost is unknown",
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
    """Return the metrics of the last five minutes. Raises NotFound, Unauthorized, DatabaseError."""
    _admit(request, isolate.deployment.admin_token)
    await isolate.journal.flush(ports.database)
    now = round(ports.clock())
    start = now - WINDOW_MS
    active = await ports.database.all(_ACTIVE, start // HOUR_MS * HOUR_MS)
    spans = [[one["internal_id"], start, first_id(start), first_id(now + 1)] for one in active]
    asked = json.dumps(spans)
    counts = await ports.database.all(COUNTS_OF_ROWS, asked)
    speeds = await ports.database.all(SPEEDS_OF_ROWS, asked)
    gateways = {one["internal_id"]: (one["account_id"], one["id"]) for one in active}
    told = _named(gateways, counts)
    families = [*_counted(told, counts), *_took(told, speeds), *_waiting(isolate.journal.state())]
    headers = {"content-type": "text/plain; version=0.0.4", "cache-control": "no-store"}
    return Reply(200, headers, "".join(families))


def _admit(request: Request, admin_token: str | None) -> None:
    if admin_token is None:
        raise NotFound("/metrics")
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not same(given.strip(), admin_token):
        raise Unauthorized


Key = tuple[int, str, str]


def _key(row: Row) -> Key:
    return row["gateway_id"], row["provider"], row["model"]


def _named(gateways: Mapping[int, tuple[str, str]], counts: Sequence[Row]) -> dict[Key, Names]:
    """Return what each series is called. Callers make up models: only so many have a name."""
    busy: Counter[Key] = Counter()
    for row in counts:
        busy[_key(row)] += row["requests"] + row["attempts"]
    first = {key for key, _ in busy.most_common(SERIES)}
    rest = (OTHER, OTHER, OTHER, OTHER)
    return {key: (*gateways[key[0]], *key[1:]) if key in first else rest for key in busy}


def _counted(told: Mapping[Key, Names], counts: Sequence[Row]) -> Iterable[str]:
    requests: Counter[tuple[str, ...]] = Counter()
    sums: dict[str, Counter[tuple[str, ...]]] = {name: Counter() for name in _SUMS}
    for row in counts:
        names = told[_key(row)]
        status, cached = f"{row['status_code'] // 100}xx", "true" if row["cached"] else "false"
        requests[(*names, status, cached)] += row["requests"]
        for name, counter in sums.items():
            counter[names] += row[name]
    yield _family("requests", _REQUESTS, (*_LABELS, "status", "cached"), requests)
    for name, about in _SUMS.items():
        yield _family(name, about, _LABELS, sums[name])


def _took(told: Mapping[Key, Names], speeds: Sequence[Row]) -> Iterable[str]:
    buckets: dict[tuple[str, ...], Counter[int]] = {}
    for row in speeds:
        names = (*told[_key(row)], row["kind"])
        counts = {int(ms): many for ms, many in json.loads(row["counts"]).items()}
        buckets.setdefault(names, Counter()).update(counts)
    samples = {
        (*names, str(quantile)): middle(_quantile(counter, quantile)) / 1000
        for names, counter in buckets.items()
        for quantile in QUANTILES
    }
    about = "How long successful attempts took: in all, and to the first byte"
    yield _family("latency_seconds", about, (*_LABELS, "kind", "quantile"), samples)


def _quantile(counter: Counter[int], quantile: float) -> int:
    left = counter.total() * quantile
    for ms, many in sorted(counter.items()):
        left -= many
        if left <= 0:
            return ms
    return max(counter)


def _waiting(state: Mapping[str, int]) -> Iterable[str]:
    for name, about in _ISOLATE.items():
        yield _family(f"log_{name}", about, (), {(): state[name]})


def _family(
    name: str, about: str, labels: Sequence[str], samples: Mapping[tuple[str, ...], float]
) -> str:
    lines = [f"# HELP sluice_{name} {about}.", f"# TYPE sluice_{name} gauge"]
    for values, sample in samples.items():
        pairs = [f'{label}="{_text(value)}"' for label, value in zip(labels, values, strict=True)]
        lines.append(f"sluice_{name}{{{','.join(pairs)}}} {sample}")
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
