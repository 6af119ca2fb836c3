"""The log, as the management API shows it."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import parse_qs

from api.envelope import success
from call import Reply
from errors import BadParameter, GatewayNotFound, LogNotFound
from logs import COLUMNS, HEAD_LENGTH
from ports import Database, Row

PER_PAGE = 20
MOST_PER_PAGE = 50
MOST_PAGES = 1_000_000

_GATEWAY = "SELECT internal_id FROM gateways WHERE account_id = ?1 AND id = ?2"
_COUNT = "SELECT count(*) AS total FROM logs WHERE gateway_id = ?1"
# Ids are UUIDv7: the order of the key is the order of time.
_LIST = (
    f"SELECT {', '.join(COLUMNS)} FROM logs WHERE gateway_id = ?1 "  # noqa: S608 - our own names
    "ORDER BY id DESC LIMIT ?2 OFFSET ?3"
)
_GET = f"SELECT {', '.join(COLUMNS)} FROM logs WHERE gateway_id = ?1 AND id = ?2"  # noqa: S608
_HEADS = "SELECT side, body FROM payloads WHERE gateway_id = ?1 AND log_id = ?2 AND part = 0"


async def list_logs(account: str, gateway: str, query: str, database: Database) -> Reply:
    """Return a page of a gateway's rows, the newest first.

    Raises BadParameter and GatewayNotFound.
    """
    page = _whole(query, "page", 1, MOST_PAGES)
    per_page = _whole(query, "per_page", PER_PAGE, MOST_PER_PAGE)
    internal_id = await _internal_id(account, gateway, database)
    total = (await database.all(_COUNT, internal_id))[0]["total"]
    rows = await database.all(_LIST, internal_id, per_page, (page - 1) * per_page)
    info = {"page": page, "per_page": per_page, "count": len(rows), "total_count": total}
    return success([_shown(row) for row in rows], info)


async def get_log(account: str, gateway: str, log_id: str, database: Database) -> Reply:
    """Return one row, with the heads of both bodies. Raises GatewayNotFound and LogNotFound."""
    internal_id = await _internal_id(account, gateway, database)
    rows = await database.all(_GET, internal_id, log_id)
    if not rows:
        raise LogNotFound(log_id)
    heads = await database.all(_HEADS, internal_id, log_id)
    return success(_shown(rows[0]) | _heads(heads))


async def _internal_id(account: str, gateway: str, database: Database) -> int:
    rows = await database.all(_GATEWAY, account, gateway)
    if not rows:
        raise GatewayNotFound(gateway)
    return rows[0]["internal_id"]


def _whole(query: str, name: str, default: int, most: int) -> int:
    values = parse_qs(query, keep_blank_values=True).get(name)
    if values is None:
        return default
    value = values[-1]
    whole = value.isascii() and value.isdecimal() and len(value) <= 7
    if not (whole and 1 <= int(value) <= most):
        raise BadParameter(name, value, f"Use a whole number, 1 to {most}")
    return int(value)


def _shown(row: Row) -> dict[str, object]:
    tokens_in: int | None = row["tokens_in"]
    tokens_out: int | None = row["tokens_out"]
    return {
        "id": row["id"],
        "created_at": _iso(row["created_at"]),
        "provider": row["provider"],
        "model": row["model"],
        "model_type": row["model_type"],
        "path": row["path"],
        "duration": row["duration"],
        "request_type": row["request_type"],
        "request_content_type": row["request_content_type"],
        "response_content_type": row["response_content_type"],
        "status_code": row["status_code"],
        "success": bool(row["success"]),
        "error_code": row["error_code"],
        "cached": bool(row["cached"]),
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "cost": None,
        "custom_cost": False,
        "metadata": json.loads(row["metadata"]) if row["metadata"] else None,
        "step": row["step"],
        "event_id": row["event_id"],
        "request_size": row["request_size"],
        "response_size": row["response_size"],
        "user_agent": row["user_agent"],
        "authentication": bool(row["authentication"]),
        "usage_metadata": {
            "input_tokens": tokens_in,
            "output_tokens": tokens_out,
            "total_tokens": _sum(tokens_in, tokens_out),
            "input_cached_tokens": row["tokens_cached"],
            "input_cache_write_tokens": row["tokens_cache_write"],
            "output_reasoning_tokens": row["tokens_reasoning"],
        },
        "timings": {"total": row["duration"], "latency": row["latency"]},
        "location": {"region": row["region"], "colo": row["colo"]},
    }


def _sum(tokens_in: int | None, tokens_out: int | None) -> int | None:
    return None if tokens_in is None or tokens_out is None else tokens_in + tokens_out


def _heads(rows: Sequence[Row]) -> dict[str, object]:
    bodies: dict[str, str] = {row["side"]: row["body"] for row in rows}
    shown: dict[str, object] = {}
    for side in ("request", "response"):
        body = bodies.get(side)
        shown[f"{side}_head"] = None if body is None else body[:HEAD_LENGTH]
        shown[f"{side}_head_complete"] = body is not None and len(body) <= HEAD_LENGTH
    return shown


def _iso(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
