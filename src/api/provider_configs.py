"""The keys of providers that a gateway stores, as the management API takes them.

A key goes in and never comes out: answers show its last four characters.
https://developers.cloudflare.com/api/resources/ai_gateway/subresources/provider_configs/
"""

import re
from collections.abc import Sequence
from functools import partial
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from api.body import checked, read_object
from api.envelope import iso, success
from api.gateways import internal_id
from api.query import Paged, queried
from api.route import shaped
from api.task import Task
from api.update import still, updated
from call import Reply
from credentials import key_context
from errors import ChangedMeanwhile, Invalid, KeyNotFound, Misconfigured, NotResealed
from ids import uuid7
from options import ALIAS
from ports import Row
from providers import CUSTOM, PROVIDERS
from snapshot import DEFAULT_ALIAS

_COLUMNS = "id, gateway_id, provider, alias, is_default, preview, sealed, created_at, modified_at"
_CHANGED = ("alias", "is_default", "preview", "sealed", "modified_at")
_INSERT = f"""
INSERT INTO provider_keys ({_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)
RETURNING {_COLUMNS}
"""  # noqa: S608 - our own names
_UPDATE = f"""
UPDATE provider_keys SET alias = ?3, is_default = ?4, preview = coalesce(?5, preview),
  sealed = coalesce(?6, sealed), modified_at = ?7
WHERE gateway_id = ?1 AND id = ?2 AND {still(_CHANGED, 8)} RETURNING {_COLUMNS}
"""  # noqa: S608
_LIST = f"""
SELECT {_COLUMNS} FROM provider_keys WHERE gateway_id = ?1 ORDER BY id LIMIT ?2 OFFSET ?3
"""  # noqa: S608
_COUNT = "SELECT count(*) AS total FROM provider_keys WHERE gateway_id = ?1"
_GET = f"SELECT {_COLUMNS} FROM provider_keys WHERE gateway_id = ?1 AND id = ?2"  # noqa: S608
_DELETE = f"""
DELETE FROM provider_keys WHERE gateway_id = ?1 AND id = ?2 RETURNING {_COLUMNS}
"""  # noqa: S608
_SEALED = "SELECT id, provider, sealed FROM provider_keys WHERE gateway_id = ?1"
_RESEAL = "UPDATE provider_keys SET sealed = ?2, modified_at = ?3 WHERE id = ?1 AND sealed = ?4"

LONGEST = 20_000
"""Characters of a key: a service account is a few thousand."""
_READ_ONLY = {"id", "gateway_id", "secret_preview", "created_at", "modified_at"}
_CUSTOM = re.compile(f"{CUSTOM}[a-z0-9][a-z0-9-]{{0,62}}")
_PLAIN = re.compile("[ -~]+")


def _unlimited(limit: object) -> None:
    # Taken and forgotten, it would let through what its owner thinks is held back.
    if limit is not None:
        rule = "A stored key has no limit of its own: set `rate_limiting_limit` of the gateway"
        raise PydanticCustomError("limit", rule)


_NoLimit = Annotated[None, BeforeValidator(_unlimited)]
_Secret = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST)]


class _Config(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    alias: Annotated[str, Field(pattern=f"^{ALIAS.pattern}$")] = DEFAULT_ALIAS
    default_config: bool = False
    """Whether it is used where a request names no alias."""
    provider_slug: str
    secret_id: str | None = None
    """Of the key itself: secrets lie nowhere else."""
    rate_limit: _NoLimit = None
    rate_limit_period: _NoLimit = None


class NewProviderConfig(_Config):
    """What a stored key is made of."""

    secret: _Secret


class ProviderConfig(_Config):
    """What a stored key becomes."""

    secret: _Secret | None = None
    """None: the one that is stored."""


class ShownProviderConfig(BaseModel):
    """A stored key, as it is shown."""

    id: str
    gateway_id: str
    provider_slug: str
    alias: str
    default_config: bool
    secret_id: str
    secret_preview: str
    created_at: str
    modified_at: str


class Resealed(BaseModel):
    """How many of a gateway's keys were encrypted anew."""

    resealed: int
    total: int


@shaped(list[ShownProviderConfig], query=Paged)
async def list_keys(task: Task, gateway: str) -> Reply:
    """Return a page of a gateway's stored keys. Raises Invalid and GatewayNotFound."""
    asked, database = queried(Paged, task.query), task.ports.database
    number = await internal_id(task, gateway)
    total = (await database.all(_COUNT, number))[0]["total"]
    rows = await database.all(_LIST, number, asked.per_page, asked.offset)
    return success([_shown(row, gateway) for row in rows], asked.info(len(rows), total))


@shaped(ShownProviderConfig, Misconfigured, body=NewProviderConfig)
async def create_key(task: Task, gateway: str) -> Reply:
    """Store a key. Raises Invalid, GatewayNotFound, and Misconfigured without ENCRYPTION_KEY."""
    number = await internal_id(task, gateway)
    asked = checked(NewProviderConfig, await read_object(task), _READ_ONLY)
    now = task.ports.clock()
    slug = asked.provider_slug
    if slug not in PROVIDERS and not _CUSTOM.fullmatch(slug):
        rule = f"Use one of {', '.join(sorted(PROVIDERS))}, or `{CUSTOM}` and a slug"
        raise Invalid([(rule, ["body", "provider_slug"])])
    _check_store(asked.secret_id, None)
    preview, sealed = await _sealed(task, number, slug, asked.secret)
    values = (uuid7(now), number, slug, asked.alias, int(asked.default_config), preview, sealed)
    rows = await task.ports.database.all(_INSERT, *values, round(now))
    await _changed(task, gateway)
    return success(_shown(rows[0], gateway))


@shaped(ShownProviderConfig)
async def get_key(task: Task, gateway: str, key_id: str) -> Reply:
    """Return a stored key, without what it is. Raises GatewayNotFound and KeyNotFound."""
    row = await _row(task, await internal_id(task, gateway), key_id)
    return success(_shown(row, gateway))


@shaped(ShownProviderConfig, ChangedMeanwhile, Misconfigured, body=ProviderConfig, partial=True)
async def update_key(task: Task, gateway: str, key_id: str) -> Reply:
    """Change what a body names of a stored key.

    Raises Invalid, GatewayNotFound, KeyNotFound, ChangedMeanwhile, and Misconfigured without
    ENCRYPTION_KEY.
    """
    number, given = await internal_id(task, gateway), await read_object(task)

    async def write(row: Row) -> Sequence[Row]:
        asked = checked(ProviderConfig, _shown(row, gateway) | given, _READ_ONLY)
        values = await _changes(task, number, row, asked)
        before = (row[name] for name in _CHANGED)
        return await task.ports.database.all(_UPDATE, number, key_id, *values, *before)

    row = await updated(partial(_row, task, number, key_id), write, ChangedMeanwhile())
    await _changed(task, gateway)
    return success(_shown(row, gateway))


@shaped(ShownProviderConfig)
async def delete_key(task: Task, gateway: str, key_id: str) -> Reply:
    """Delete a stored key. Raises GatewayNotFound and KeyNotFound."""
    number = await internal_id(task, gateway)
    row = _only(await task.ports.database.all(_DELETE, number, key_id), key_id)
    await _changed(task, gateway)
    return success(_shown(row, gateway))


@shaped(Resealed, NotResealed)
async def reseal_keys(task: Task, gateway: str) -> Reply:
    """Encrypt a gateway's keys anew, those that do not lie under the new secret.

    Raises GatewayNotFound, and NotResealed where there are keys that open with neither secret: they
    stay as they are.
    """
    number = await internal_id(task, gateway)
    rows = await task.ports.database.all(_SEALED, number)
    old = [row for row in rows if not task.isolate.vault.current(row["sealed"])]
    lost = [row["id"] for row in old if not await _resealed(task, number, row)]
    if old:
        await _changed(task, gateway)
    if lost:
        raise NotResealed(lost)
    return success({"resealed": len(old), "total": len(rows)})


async def _resealed(task: Task, number: int, row: Row) -> bool:
    """Encrypt one key anew, and return whether it could be opened."""
    vault, crypto = task.isolate.vault, task.ports.crypto
    context = key_context(number, row["provider"])
    try:
        secret = await vault.open(row["sealed"], context, crypto)
    except Misconfigured:
        return False
    sealed = await vault.seal(secret, context, crypto)
    now = round(task.ports.clock())
    # Unless it has been replaced in the meantime.
    await task.ports.database.all(_RESEAL, row["id"], sealed, now, row["sealed"])
    return True


async def _sealed(task: Task, number: int, slug: str, secret: str) -> tuple[str, str]:
    """Return what is shown of a key, and what is kept. Raises Invalid and Misconfigured."""
    provider = PROVIDERS.get(slug)
    signs = provider is not None and provider.authorize is not None
    if not signs and not _PLAIN.fullmatch(secret):
        rule = "Use printable ASCII characters in one line: it is sent in a header"
        raise Invalid([(rule, ["body", "secret"])])
    preview = secret[-4:] if len(secret) >= 16 else ""
    context = key_context(number, slug)
    return preview, await task.isolate.vault.seal(secret, context, task.ports.crypto)


def _check_store(secret_id: str | None, key_id: str | None) -> None:
    # An answer that is sent back names the key's own.
    if secret_id not in (None, key_id):
        rule = "There is no store of secrets here: send the key itself as `secret`"
        raise Invalid([(rule, ["body", "secret_id"])])


async def _changes(
    task: Task, number: int, row: Row, asked: ProviderConfig
) -> tuple[str | int | None, ...]:
    """Return what a key becomes. None is what it was. Raises Invalid and Misconfigured."""
    slug = row["provider"]
    if asked.provider_slug != slug:
        rule = "The provider of a key stays. Store another key instead"
        raise Invalid([(rule, ["body", "provider_slug"])])
    _check_store(asked.secret_id, row["id"])
    kept = await _sealed(task, number, slug, asked.secret) if asked.secret else (None, None)
    return asked.alias, int(asked.default_config), *kept, round(task.ports.clock())


async def _row(task: Task, number: int, key_id: str) -> Row:
    return _only(await task.ports.database.all(_GET, number, key_id), key_id)


def _only(rows: Sequence[Row], key_id: str) -> Row:
    if not rows:
        raise KeyNotFound(key_id)
    return rows[0]


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
