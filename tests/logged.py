"""Rows of the log, as tests put them there."""

import json
from typing import Any

from fakes import NOW, SqliteDatabase
from ids import uuid7
from logs import COLUMNS
from periods import HOUR_MS, MARK_DUE, moment
from storage import INSERT_LOGS


def add_row(database: SqliteDatabase, when: float = NOW, **more: Any) -> str:
    """Write a row of gateway 1, as the journal does, and return its id."""
    row: dict[str, Any] = dict.fromkeys(COLUMNS) | {
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
    judged = {name: more.pop(name) for name in ("feedback", "score") if name in more}
    row |= more
    row["event_id"] = row["event_id"] or row["id"]
    if isinstance(row["metadata"], dict):
        row["metadata"] = json.dumps(row["metadata"])
    made = moment(row["id"])
    hours = json.dumps([[row["gateway_id"], made - made % HOUR_MS]])
    values = json.dumps([[row[column] for column in COLUMNS]])
    for sql, value in ((INSERT_LOGS, values), (MARK_DUE, hours)):
        database.connection.execute(sql, (value,))
    for name, value in judged.items():
        sql = f"UPDATE logs SET {name} = ? WHERE id = ?"
        database.connection.execute(sql, (value, row["id"]))
    return row["id"]


def add_body(database: SqliteDatabase, log_id: str, side: str, *parts: str) -> None:
    """Write the parts of a body."""
    for part, text in enumerate(parts):
        database.connection.execute(
            "INSERT INTO payloads VALUES (1, ?, ?, ?, ?)", (log_id, side, part, text)
        )
