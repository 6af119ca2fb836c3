"""The log, as the management API shows it."""

import json
from collections.abc import Sequence

from api.envelope import iso, success
from api.gateways import internal_id
from api.paging import Page
from api.task import Task
from call import Reply
from errors import LogNotFound
from logs import COLUMNS, HEAD_LENGTH
from ports import Row

_COUNT = "SELECT count(*) AS total FROM logs WHERE gateway_id = ?1"
# Ids are UUIDv7: the order of the key is the order of time.
_LIST = (
    f"SELECT {', '.join(COLUMNS)} FROM logs WHERE gateway_id = ?1 "  # noqa: S608 - our own names
    "ORDER BY id DESC LIMIT ?2 OFFSET ?3"
)
_GET = f"SELECT {', '.join(COLUMNS)} FROM logs WHERE gateway_id = ?1 AND id = ?2"  # noqa: S608
_SAVED = ("tokens_in", "tokens_out", "cost")
_HEADS = "SELECT side, body FROM payloads WHERE gateway_id = ?1 AND log_id = ?2 AND part = 0"


async def list_logs(task: Task, gateway: str) -> Reply:
    """Return a page of a gateway's rows, the newest first.

    Raises BadParameter and GatewayNotFound.
    """
    page = Page.of(task.query)
    database = task.ports.database
    internal_id = await _internal_id(task, gateway)
    total = (await database.all(_COUNT, internal_id))[0]["total"]
    rows = await database.all(_LIST, internal_id, page.size, page.offset)
    return success([_shown(row) for row in rows], page.info(len(rows), total))


async def get_log(task: Task, gateway: str, log_id: str) -> Reply:
    """Return one row, with the heads of both bodies. Raises GatewayNotFound and LogNotFound."""
    internal_id = await _internal_id(task, gateway)
    rows = await task.ports.database.all(_GET, internal_id, log_id)
    if not rows:
        raise LogNotFound(log_id)
    heads = await task.ports.database.all(_HEADS, internal_id, log_id)
    return success(_shown(rows[0]) | _heads(heads))


async def _internal_id(task: Task, gateway: str) -> int:
    # Who asks for the log after a request expects to find it there.
    await task.isolate.journal.flush(task.ports.database)
    return await internal_id(task, gateway)


def _shown(row: Row) -> dict[str, object]:
    tokens_in: int | None = row["tokens_in"]
    tokens_out: int | None = row["tokens_out"]
    return {
        "id": row["id"],
        "created_at": iso(row["created_at"]),
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
        "provider_error": row["provider_error"],
        "cached": bool(row["cached"]),
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "cost": row["cost"],
        "custom_cost": bool(row["custom_cost"]),
        "attempt": row["attempt"],
        "final": bool(row["final"]),
        "metadata": json.loads(row["metadata"]) if row["metadata"] else None,
        "step": row["step"],
        "skipped_steps": json.loads(row["skipped"] or "[]"),
        "event_id": row["event_id"],
        "request_size": row["request_size"],
        "response_size": row["response_size"],
        "user_agent": row["user_agent"],
        "authentication": bool(row["authentication"]),
        "token_id": row["token_id"],
        "byok": row["key_id"] is not None,
        "key_id": row["key_id"],
        "close_code": row["close_code"],
        "flags": json.loads(row["flags"] or "[]"),
        "usage_metadata": {
            "input_tokens": tokens_in,
            "output_tokens": tokens_out,
            "total_tokens": _sum(tokens_in, tokens_out),
            "input_cached_tokens": row["tokens_cached"],
            "input_cache_write_tokens": row["tokens_cache_write"],
            "output_reasoning_tokens": row["tokens_reasoning"],
            **json.loads(row["units"] or "{}"),
        },
        "timings": {"total": row["duration"], "latency": row["latency"]},
        "location": {"region": row["region"], "colo": row["colo"]},
        "saved": {name: row[f"saved_{name}"] for name in _SAVED},
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
