"""Rows of the log, as tests put them there."""

import json
from typing import Any

from fakes import NOW, SqliteDatabase
from ids import uuid7
from logs.periods import HOUR_MS, MARK_DUE, moment
from logs.row import COLUMNS
from logs.storage import INSERT_LOGS


def a_row(when: float = NOW, **more: Any) -> list[Any]:
    """Return the values of a row of gateway 1."""
    row = _row(when) | more
    row["event_id"] = row["event_id"] or row["id"]
    if isinstance(row["metadata"], dict):
        row["metadata"] = json.dumps(row["metadata"], ensure_ascii=False)
    return [row[column] for column in COLUMNS]


def _row(when: float) -> dict[str, Any]:
    return dict.fromkeys(COLUMNS) | {
        "gateway_id": 1,
        "id": uuid7(when),
        "created_at": round(when),
        "duration": 100,
        "latency": 40,
        "provider": "openai",
        "model": "gpt-5",
        "path": "chat/completions",
        "request_type": "provider",
        "status_code": 200,
        "success": 1,
        "cached": 0,
        "step": 0,
        "authentication": 0,
        "custom_cost": 0,
        "attempt": 1,
        "final": 1,
    }


def add_row(database: SqliteDatabase, when: float = NOW, **more: Any) -> str:
    """Write a row of gateway 1, as the journal does, and return its id."""
    judged = {name: more.pop(name) for name in ("feedback", "score") if name in more}
    row = a_row(when, **more)
    gateway_id, log_id = row[:2]
    made = moment(log_id)
    hours = json.dumps([[gateway_id, made - made % HOUR_MS]])
    values = json.dumps([row])
    for sql, value in ((INSERT_LOGS, values), (MARK_DUE, hours)):
        database.connection.execute(sql, (value,))
    for name, value in judged.items():
        sql = f"UPDATE logs SET {name} = ? WHERE id = ?"
        database.connection.execute(sql, (value, log_id))
    return log_id


def add_body(database: SqliteDatabase, log_id: str, side: str, *parts: str) -> None:
    """Write the parts of a body."""
    for part, text in enumerate(parts):
        database.connection.execute(
            "INSERT INTO payloads VALUES (1, ?, ?, ?, ?)", (log_id, side, part, text)
        )
