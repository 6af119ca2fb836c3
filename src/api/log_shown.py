"""A row of the log, as the management API shows it."""

import json
from collections.abc import Sequence

from api.envelope import iso
from ports import Row


def shown(row: Row) -> dict[str, object]:
    """Return a row."""
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
        "tokens_in": row["tokens_in"],
        "tokens_out": row["tokens_out"],
        "cost": row["cost"],
        "custom_cost": bool(row["custom_cost"]),
        "saved": {name: row[f"saved_{name}"] for name in ("tokens_in", "tokens_out", "cost")},
        "attempt": row["attempt"],
        "final": bool(row["final"]),
        "feedback": row["feedback"],
        "score": row["score"],
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
        "wholesale": False,
        "flags": json.loads(row["flags"] or "[]"),
        "usage_metadata": _usage(row),
        "timings": {"total": row["duration"], "latency": row["latency"]},
        "location": {"region": row["region"], "colo": row["colo"]},
    }


def _usage(row: Row) -> dict[str, object]:
    tokens_in: int | None = row["tokens_in"]
    tokens_out: int | None = row["tokens_out"]
    return {
        "input_tokens": tokens_in,
        "output_tokens": tokens_out,
        "total_tokens": _sum(tokens_in, tokens_out),
        "input_cached_tokens": row["tokens_cached"],
        "input_cache_write_tokens": row["tokens_cache_write"],
        "output_reasoning_tokens": row["tokens_reasoning"],
        **json.loads(row["units"] or "{}"),
    }


def _sum(tokens_in: int | None, tokens_out: int | None) -> int | None:
    return None if tokens_in is None or tokens_out is None else tokens_in + tokens_out


def heads(rows: Sequence[Row]) -> dict[str, object]:
    """Return how the bodies of a row begin, from their first parts."""
    bodies = {row["side"]: row for row in rows}
    told: dict[str, object] = {}
    for side in ("request", "response"):
        row = bodies.get(side)
        told[f"{side}_head"] = row["head"] if row else None
        told[f"{side}_head_complete"] = bool(row and row["complete"])
    return told
