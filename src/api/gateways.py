"""Gateways, as the management API makes and changes them."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from api.body import checked, read_object
from api.envelope import iso, success
from api.otel import with_sealed_headers
from api.query import Searched, queried
from api.route import shaped
from api.task import Task
from call import Reply
from errors import GatewayExists, GatewayNotFound
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
    "DELETE FROM datasets WHERE gateway_id = ?",
    "DELETE FROM evaluations WHERE gateway_id = ?",
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
    now = round(task.ports.clock())
    asked = checked(GatewaySettings, await read_object(task), {"id", *_READ_ONLY}, REQUIRED)
    settings = (await with_sealed_headers(task, gateway_id, asked)).model_dump_json()
    rows = await task.ports.database.all(_UPDATE, task.account, gateway_id, settings, now)
    row = _only(rows, gateway_id)
    await task.isolate.gateways.changed(task.account, gateway_id, task.ports.snapshots)
    return success(_shown(row))


@shaped(ShownGateway)
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
