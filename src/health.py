"""Whether this deployment is whole: its bindings, and its database."""

import json

from call import Reply
from logs.journal import Journal
from ports import DatabaseError, Ports

SCHEMA_VERSION = 7
"""The number of the newest migration that this code needs."""
UNNEEDED = {"AI"}
"""Bindings that no request needs, and that are Cloudflare's alone."""

# Migrations are applied in order and each leaves a row, so their number is the version.
_SCHEMA = "SELECT count(*) AS version FROM d1_migrations"


async def health(ports: Ports, journal: Journal) -> Reply:
    """Return what is bound and which schema the database has: 200, or 503 where work is missing.

    {"status": "ok" | "degraded", "bindings": {name: bool}, "schema": {"version", "expected"},
     "logs": {"lost", "lost_bodies", "waiting"}}, the last one of this isolate alone.
    """
    try:
        rows = await ports.database.all(_SCHEMA)
        version: int | None = rows[0]["version"]
    except DatabaseError:
        version = None
    bound = all(there for name, there in ports.bindings.items() if name not in UNNEEDED)
    whole = bound and version is not None and version >= SCHEMA_VERSION
    body = {
        "status": "ok" if whole else "degraded",
        "bindings": dict(ports.bindings),
        "schema": {"version": version, "expected": SCHEMA_VERSION},
        "logs": journal.state(),
    }
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return Reply(200 if whole else 503, headers, json.dumps(body))
