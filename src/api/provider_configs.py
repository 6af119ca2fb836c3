"""The keys of providers that a gateway stores, as the management API takes them.

A key goes in and never comes out: answers show its last four characters.
https://developers.cloudflare.com/api/resources/ai_gateway/subresources/provider_configs/
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api.body import read_model
from api.envelope import iso, success
from api.gateways import internal_id
from api.paging import Page
from api.task import Task
from call import Reply
from credentials import key_context
from errors import Invalid, KeyNotFound
from ids import uuid7
from options import ALIAS
from ports import Row
from providers import CUSTOM, PROVIDERS
from snapshot import DEFAULT_ALIAS

_COLUMNS = "id, gateway_id, provider, alias, is_default, preview, sealed, created_at, modified_at"
_INSERT = f"""
INSERT INTO provider_keys ({_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)
RETURNING {_COLUMNS}
"""  # noqa: S608 - our own names
_LIST = f"""
SELECT {_COLUMNS} FROM provider_keys WHERE gateway_id = ?1 ORDER BY id LIMIT ?2 OFFSET ?3
"""  # noqa: S608
_COUNT = "SELECT count(*) AS total FROM provider_keys WHERE gateway_id = ?1"
_DELETE = f"""
DELETE FROM provider_keys WHERE gateway_id = ?1 AND id = ?2 RETURNING {_COLUMNS}
"""  # noqa: S608
_SEALED = "SELECT id, provider, sealed FROM provider_keys WHERE gateway_id = ?1"
_RESEAL = "UPDATE provider_keys SET sealed = ?2, modified_at = ?3 WHERE id = ?1 AND sealed = ?4"

LONGEST = 20_000
"""Characters of a key: a service account is a few thousand."""


class NewKey(BaseModel):
    """What a stored key is made of."""

    model_config = ConfigDict(extra="ignore", strict=True)

    alias: Annotated[str, Field(pattern=f"^{ALIAS.pattern}$")] = DEFAULT_ALIAS
    default_config: bool = False
    """Whether it is used where a request names no alias."""
    provider_slug: str
    secret: Annotated[str, Field(min_length=1, max_length=LONGEST)]


async def list_keys(task: Task, gateway: str) -> Reply:
    """Return a page of a gateway's stored keys. Raises BadParameter and GatewayNotFound."""
    page, database = Page.of(task.query), task.ports.database
    number = await internal_id(task, gateway)
    total = (await database.all(_COUNT, number))[0]["total"]
    rows = await database.all(_LIST, number, page.size, page.offset)
    return success([_shown(row, gateway) for row in rows], page.info(len(rows), total))


async def create_key(task: Task, gateway: str) -> Reply:
    """Store a key. Raises Invalid, GatewayNotFound, and Misconfigured without ENCRYPTION_KEY."""
    number = await internal_id(task, gateway)
    asked, now = await read_model(task, NewKey), task.ports.clock()
    slug = asked.provider_slug
    if slug not in PROVIDERS and not slug.startswith(CUSTOM):
        rule = f"Use one of {', '.join(sorted(PROVIDERS))}, or `{CUSTOM}` and a slug"
        raise Invalid([(rule, ["body", "provider_slug"])])
    secret = asked.secret.strip()
    vault = task.isolate.vault
    sealed = await vault.seal(secret, key_context(number, slug), task.ports.crypto)
    preview = secret[-4:] if len(secret) >= 16 else ""
    values = (uuid7(now), number, slug, asked.alias, int(asked.default_config), preview, sealed)
    rows = await task.ports.database.all(_INSERT, *values, round(now))
    await _changed(task, gateway)
    return success(_shown(rows[0], gateway))


async def delete_key(task: Task, gateway: str, key_id: str) -> Reply:
    """Delete a stored key. Raises GatewayNotFound and KeyNotFound."""
    number = await internal_id(task, gateway)
    rows = await task.ports.database.all(_DELETE, number, key_id)
    if not rows:
        raise KeyNotFound(key_id)
    await _changed(task, gateway)
    return success(_shown(rows[0], gateway))


async def reseal_keys(task: Task, gateway: str) -> Reply:
    """Encrypt a gateway's keys anew, those that lie under the old secret.

    Raises GatewayNotFound, and Misconfigured where a key opens with neither secret.
    """
    number = await internal_id(task, gateway)
    vault, crypto, database = task.isolate.vault, task.ports.crypto, task.ports.database
    rows = await database.all(_SEALED, number)
    old = [row for row in rows if not vault.current(row["sealed"])]
    for row in old:
        context = key_context(number, row["provider"])
        secret = await vault.open(row["sealed"], context, crypto)
        sealed = await vault.seal(secret, context, crypto)
        await database.all(_RESEAL, row["id"], sealed, round(task.ports.clock()), row["sealed"])
    if old:
        await _changed(task, gateway)
    return success({"resealed": len(old), "total": len(rows)})


async def _changed(task: Task, gateway: str) -> None:
    await task.isolate.gateways.changed(task.account, gateway, task.ports.snapshots)


def _shown(row: Row, gateway: str) -> dict[str, object]:
    return {
        "id": row["id"],
        "gateway_id": gateway,
        "provider_slug": row["provider"],
        "alias": row["alias"],
        "default_config": bool(row["is_default"]),
        "secret_id": row["id"],
        "secret_preview": f"…{row['preview']}",
        "created_at": iso(row["created_at"]),
        "modified_at": iso(row["modified_at"]),
    }
