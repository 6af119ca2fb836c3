"""The audit log, as the management API shows it."""

import json
from typing import Any, Literal

from pydantic import BaseModel

from api.envelope import iso, success
from api.query import Paged, Text, queried
from api.route import shaped
from api.task import Task
from api.times import Time
from call import Reply
from errors import Invalid
from ids import since
from ports import Row

# The ids are UUIDv7: the key is the order of time.
_WHERE = """
account_id = ?1 AND id >= ?2 AND id < ?3 AND (?4 = '' OR actor = ?4)
AND (?5 = '' OR action = ?5) AND (?6 = '' OR resource = ?6)
"""
_COLUMNS = (
    "id, created_at, actor, action, resource, resource_id, gateway, query, before, after, outcome, "
    "request_id"
)
_LIST = f"""
SELECT {_COLUMNS} FROM audit_logs WHERE {_WHERE} ORDER BY id DESC LIMIT ?7 OFFSET ?8
"""  # noqa: S608 - our own names
_COUNT = f"SELECT count(*) AS total FROM audit_logs WHERE {_WHERE}"  # noqa: S608
_LAST = "g"
"""What every id is less than."""


class AuditLogQuery(Paged):
    """Which rows of the audit log are asked for."""

    since: Time | None = None
    before: Time | None = None
    actor: Text = ""
    action: Text = ""
    resource: Text = ""


class ShownAuditLog(BaseModel):
    """A change, as it is shown. Secrets are masked."""

    id: str
    created_at: str
    actor: str
    """`admin`, or the id of a token."""
    action: str
    resource: str
    resource_id: str | None
    gateway_id: str | None
    query: str | None
    before: Any
    after: Any
    outcome: Literal["begun", "done"]
    request_id: str


@shaped(list[ShownAuditLog], query=AuditLogQuery)
async def list_audit_logs(task: Task) -> Reply:
    """Return a page of the changes in an account, the newest first. Raises Invalid."""
    asked, database = queried(AuditLogQuery, task.query), task.ports.database
    if asked.since is not None and asked.before is not None and asked.since > asked.before:
        raise Invalid([("Use a time after `since`", ["query", "before"])])
    values = (
        task.account,
        "" if asked.since is None else since(asked.since),
        _LAST if asked.before is None else since(asked.before),
        asked.actor,
        asked.action,
        asked.resource,
    )
    total = (await database.all(_COUNT, *values))[0]["total"]
    rows = await database.all(_LIST, *values, asked.per_page, asked.offset)
    return success([_shown(row) for row in rows], asked.info(len(rows), total))


def _shown(row: Row) -> dict[str, Any]:
    sides = {side: json.loads(row[side]) if row[side] else None for side in ("before", "after")}
    shown = dict(row) | sides | {"created_at": iso(row["created_at"])}
    shown["gateway_id"] = shown.pop("gateway")
    return shown
