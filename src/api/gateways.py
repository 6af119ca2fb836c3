"""Gateways, as the management API makes and changes them."""

import json
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from api.body import checked, read_object
from api.envelope import iso, success
from api.otel import with_sealed_headers
from api.query import Searched, queried
from api.route import shaped
from api.task import Task
from call import Reply
from errors import GatewayExists, GatewayNotFound, Invalid
from ports import Row
from settings import REQUIRED, Settings

# What answers add to the settings: whoever sends an answer back has not made a mistake.
_READ_ONLY = {
    *("account_id", "account_tag", "internal_id", "created_at", "modified_at"),
    *("is_default", "wholesale", "internal"),
}
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
_NAMED = "account_id = ?1 ->> 0 AND id = ?1 ->> 1"
_OF_IT = f"gateway_id = (SELECT internal_id FROM gateways WHERE {_NAMED})"  # noqa: S608
_OTHERS = "SELECT value FROM json_each(gateways) WHERE value <> ?1 ->> 1"
# What opens something, and what stands in the way of nobody, goes with it. The rest may be millions
# of rows: it belongs to a number that no gateway has again, and is swept later (logs/leftovers.py).
_DELETE = (
    f"DELETE FROM provider_keys WHERE {_OF_IT}",  # noqa: S608
    f"DELETE FROM full_logs WHERE {_OF_IT}",  # noqa: S608
    f"DELETE FROM tails WHERE {_OF_IT}",  # noqa: S608
    # A token for this gateway alone would open the next one of its name.
    f"""
DELETE FROM tokens WHERE account_id = ?1 ->> 0 AND gateways IS NOT NULL
AND NOT EXISTS ({_OTHERS})
""",  # noqa: S608
    f"""
UPDATE tokens SET gateways = (SELECT json_group_array(value) FROM ({_OTHERS}))
WHERE account_id = ?1 ->> 0 AND ?1 ->> 1 IN (SELECT value FROM json_each(gateways))
""",  # noqa: S608
    f"DELETE FROM gateways WHERE {_NAMED} RETURNING {_COLUMNS}",  # noqa: S608
)


class GatewaySettings(Settings):
    """What whoever writes a gateway names: these settings at least, and no unknown one."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"required": [*REQUIRED]}
    )


class NewGateway(GatewaySettings):
    """What a gateway is made of."""

    model_config = ConfigDict(json_schema_extra={"required": ["id", *REQUIRED]})

    id: Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]


class ShownGateway(Settings):
    """A gateway, as it is shown."""

    id: str
    account_id: str
    account_tag: str
    internal_id: str
    created_at: str
    modified_at: str
    is_default: bool
    wholesale: bool
    internal: bool


@shaped(list[ShownGateway], query=Searched)
async def list_gateways(task: Task) -> Reply:
    """Return a page of an account's gateways, by id. Raises Invalid."""
    asked, database = queried(Searched, task.query), task.ports.database
    total = (await database.all(_COUNT, task.account, asked.search))[0]["total"]
    values = (task.account, asked.search, asked.per_page, asked.offset)
    rows = await database.all(_LIST, *values)
    return success([_shown(row) for row in rows], asked.info(len(rows), total))


@shaped(ShownGateway, GatewayExists, body=NewGateway)
async def create_gateway(task: Task) -> Reply:
    """Make a gateway. Raises Invalid, GatewayExists, and what storing secrets raises."""
    asked = checked(NewGateway, await read_object(task), _READ_ONLY, REQUIRED)
    kept = await with_sealed_headers(task, asked.id, asked)
    settings = kept.model_dump_json(exclude={"id"})
    values = (task.account, asked.id, settings, round(task.ports.clock()))
    rows = await task.ports.database.all(_INSERT, *values)
    if not rows:
        raise GatewayExists(asked.id)
    await task.isolate.gateways.changed(task.account, asked.id, task.ports.snapshots)
    return success(_shown(rows[0]))


@shaped(ShownGateway)
async def get_gateway(task: Task, gateway_id: str) -> Reply:
    """Return a gateway. Raises GatewayNotFound."""
    rows = await task.ports.database.all(_GET, task.account, gateway_id)
    return success(_shown(_only(rows, gateway_id)))


@shaped(ShownGateway, body=GatewaySettings)
async def replace_gateway(task: Task, gateway_id: str) -> Reply:
    """Replace the settings of a gateway.

    Raises Invalid, GatewayNotFound, and what storing secrets raises.
    """
    now, body = round(task.ports.clock()), await read_object(task)
    if body.get("id", gateway_id) != gateway_id:
        raise Invalid([("The id of a gateway stays. Make another gateway instead", ["body", "id"])])
    asked = checked(GatewaySettings, body, {"id", *_READ_ONLY}, REQUIRED)
    settings = (await with_sealed_headers(task, gateway_id, asked)).model_dump_json()
    rows = await task.ports.database.all(_UPDATE, task.account, gateway_id, settings, now)
    row = _only(rows, gateway_id)
    await task.isolate.gateways.changed(task.account, gateway_id, task.ports.snapshots)
    return success(_shown(row))


@shaped(ShownGateway)
async def delete_gateway(task: Task, gateway_id: str) -> Reply:
    """Delete a gateway with the keys and tokens that are its own. Raises GatewayNotFound.

    Its log, and what was made of it, goes with the next runs of maintenance.
    """
    named = json.dumps([task.account, gateway_id])
    rows = await task.ports.database.batch([(statement, named) for statement in _DELETE])
    await task.isolate.gateways.changed(task.account, gateway_id, task.ports.snapshots)
    return success(_shown(_only(rows, gateway_id)))


async def internal_id(task: Task, gateway_id: str) -> int:
    """Return the number that a gateway's rows bear. Raises GatewayNotFound."""
    rows = await task.ports.database.all(_GET, task.account, gateway_id)
    return _only(rows, gateway_id)["internal_id"]


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
        "account_tag": row["account_id"],
        "internal_id": str(row["internal_id"]),
        "created_at": iso(row["created_at"]),
        "modified_at": iso(row["modified_at"]),
        "is_default": row["id"] == "default",
        # What Cloudflare says of gateways that it bills for, or that are its own.
        "wholesale": False,
        "internal": False,
        **settings,
    }
