"""Gateways, as the management API makes and changes them."""

import re
from typing import Any

from pydantic import ValidationError

from api.body import problems, read_object
from api.envelope import iso, success
from api.otel import with_sealed_headers
from api.paging import Page
from api.task import Task
from call import Reply
from errors import GatewayExists, GatewayNotFound, Invalid
from ports import Row
from settings import REQUIRED, Settings

_ID = re.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
# What answers add to the settings: whoever sends an answer back has not made a mistake.
_READ_ONLY = {"id", "account_id", "internal_id", "created_at", "modified_at", "is_default"}
_COLUMNS = "internal_id, account_id, id, settings, created_at, modified_at"

NEXT_GENERATION = """
json_set(generations, '$.""', coalesce(generations ->> '$.""', 0) + 1)
"""
"""Makes all that was kept unreadable."""

_INSERT = f"""
INSERT INTO gateways (account_id, id, settings, created_at, modified_at)
VALUES (?1, ?2, ?3, ?4, ?4) ON CONFLICT DO NOTHING RETURNING {_COLUMNS}
"""  # noqa: S608 - our own names
_UPDATE = f"""
UPDATE gateways SET settings = ?3, modified_at = ?4,
  generations = iif(?3 ->> 'cache_invalidate_on_update', {NEXT_GENERATION}, generations)
WHERE account_id = ?1 AND id = ?2 RETURNING {_COLUMNS}
"""  # noqa: S608
_GET = f"SELECT {_COLUMNS} FROM gateways WHERE account_id = ?1 AND id = ?2"  # noqa: S608
_WHERE = "account_id = ?1 AND instr(lower(id), lower(?2)) > 0"
_LIST = f"""
SELECT {_COLUMNS} FROM gateways WHERE {_WHERE} ORDER BY id LIMIT ?3 OFFSET ?4
"""  # noqa: S608
_COUNT = f"SELECT count(*) AS total FROM gateways WHERE {_WHERE}"  # noqa: S608
_DELETE = f"DELETE FROM gateways WHERE account_id = ?1 AND id = ?2 RETURNING {_COLUMNS}"  # noqa: S608
_DELETE_ALL_OF = (
    "DELETE FROM payloads WHERE gateway_id = ?",
    "DELETE FROM logs WHERE gateway_id = ?",
    "DELETE FROM provider_keys WHERE gateway_id = ?",
    "DELETE FROM log_periods WHERE gateway_id = ?",
    "DELETE FROM full_logs WHERE gateway_id = ?",
    "DELETE FROM rollups WHERE gateway_id = ?",
    "DELETE FROM rollup_speeds WHERE gateway_id = ?",
    "DELETE FROM rollup_metadata WHERE gateway_id = ?",
)


async def list_gateways(task: Task) -> Reply:
    """Return a page of an account's gateways, by id. Raises BadParameter."""
    page = Page.of(task.query)
    search = page.text("search")
    database = task.ports.database
    total = (await database.all(_COUNT, task.account, search))[0]["total"]
    rows = await database.all(_LIST, task.account, search, page.size, page.offset)
    return success([_shown(row) for row in rows], page.info(len(rows), total))


async def create_gateway(task: Task) -> Reply:
    """Make a gateway. Raises Invalid, GatewayExists, and what storing secrets raises."""
    body = await read_object(task)
    gateway_id = body.get("id")
    if not isinstance(gateway_id, str) or not _ID.fullmatch(gateway_id):
        rule = "Use 1 to 64 letters, digits, `-` or `_`, beginning with a letter or digit"
        raise Invalid([(rule, ["body", "id"])])
    now = round(task.ports.clock())
    values = (task.account, gateway_id, await _settings(task, gateway_id, body), now)
    rows = await task.ports.database.all(_INSERT, *values)
    if not rows:
        raise GatewayExists(gateway_id)
    await task.isolate.gateways.changed(task.account, gateway_id, task.ports.snapshots)
    return success(_shown(rows[0]))


async def get_gateway(task: Task, gateway_id: str) -> Reply:
    """Return a gateway. Raises GatewayNotFound."""
    rows = await task.ports.database.all(_GET, task.account, gateway_id)
    return success(_shown(_only(rows, gateway_id)))


async def replace_gateway(task: Task, gateway_id: str) -> Reply:
    """Replace the settings of a gateway. Raises Invalid and GatewayNotFound."""
    now = round(task.ports.clock())
    settings = await _settings(task, gateway_id, await read_object(task))
    rows = await task.ports.database.all(_UPDATE, task.account, gateway_id, settings, now)
    row = _only(rows, gateway_id)
    await task.isolate.gateways.changed(task.account, gateway_id, task.ports.snapshots)
    return success(_shown(row))


async def delete_gateway(task: Task, gateway_id: str) -> Reply:
    """Delete a gateway with its log and its stored keys. Raises GatewayNotFound."""
    rows = await task.ports.database.all(_DELETE, task.account, gateway_id)
    row = _only(rows, gateway_id)
    await task.isolate.gateways.changed(task.account, gateway_id, task.ports.snapshots)
    internal_id = str(row["internal_id"])
    await task.ports.database.batch([(statement, internal_id) for statement in _DELETE_ALL_OF])
    return success(_shown(row))


async def internal_id(task: Task, gateway_id: str) -> int:
    """Return the number that a gateway's rows bear. Raises GatewayNotFound."""
    rows = await task.ports.database.all(_GET, task.account, gateway_id)
    return _only(rows, gateway_id)["internal_id"]


async def _settings(task: Task, gateway_id: str, body: dict[str, Any]) -> str:
    """Return the settings of a body as the database keeps them. Raises Invalid, Misconfigured."""
    given = {name: value for name, value in body.items() if name not in _READ_ONLY}
    found = [("Required", ["body", name]) for name in REQUIRED if name not in given]
    unknown = given.keys() - Settings.model_fields.keys()
    found += [("Unknown setting", ["body", name]) for name in sorted(unknown)]
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        found += problems(error)
    else:
        if not found:
            return (await with_sealed_headers(task, gateway_id, settings)).model_dump_json()
    raise Invalid(found)


def _only(rows: Any, gateway_id: str) -> Row:
    if not rows:
        raise GatewayNotFound(gateway_id)
    return rows[0]


def _shown(row: Row) -> dict[str, object]:
    settings = Settings.model_validate_json(row["settings"]).model_dump(
        mode="json", exclude={"otel": {"__all__": {"sealed"}}}
    )
    return {
        "id": row["id"],
        "account_id": row["account_id"],
        "internal_id": str(row["internal_id"]),
        "created_at": iso(row["created_at"]),
        "modified_at": iso(row["modified_at"]),
        "is_default": row["id"] == "default",
        **settings,
    }
