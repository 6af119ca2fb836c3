"""Providers that an operator adds, as the management API takes them.

Their headers may be credentials: answers show the names, and `***` in place of each value.
https://developers.cloudflare.com/ai-gateway/configuration/custom-providers/
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.body import checked, read_object
from api.envelope import iso, success
from api.query import Flag, LargePageSize, Searched, queried
from api.route import shaped
from api.task import Task
from api.update import still, updated
from call import Reply
from credentials import custom_context
from errors import (
    BadBaseUrl,
    CustomProviderExists,
    CustomProviderNotFound,
    Invalid,
    Misconfigured,
)
from ids import uuid7
from outside import checked_base_url, checked_headers
from ports import Row

_COLUMNS = "id, slug, name, base_url, headers, enable, details, created_at, modified_at"
_CHANGED = ("slug", "name", "base_url", "headers", "enable", "details", "modified_at")
_INSERT = f"""
INSERT INTO custom_providers ({_COLUMNS}, account_id)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9) ON CONFLICT DO NOTHING RETURNING {_COLUMNS}
"""  # noqa: S608 - our own names
_UPDATE = f"""
UPDATE OR IGNORE custom_providers SET slug = ?2, name = ?3, base_url = ?4, headers = ?5,
  enable = ?6, details = ?7, modified_at = ?8
WHERE id = ?1 AND account_id = ?9 AND {still(_CHANGED, 10)} RETURNING {_COLUMNS}
"""  # noqa: S608
_WHERE = """
account_id = ?1 AND (
  instr(id, lower(?2)) OR instr(slug, lower(?2)) OR instr(lower(name), lower(?2))
) AND (?3 IS NULL OR enable = ?3) AND (?4 IS NULL OR details ->> 'beta' = ?4)
"""
_LIST = f"""
SELECT {_COLUMNS} FROM custom_providers WHERE {_WHERE} ORDER BY {{}}, slug LIMIT ?5 OFFSET ?6
"""  # noqa: S608
_COUNT = f"SELECT count(*) AS total FROM custom_providers WHERE {_WHERE}"  # noqa: S608
_GET = f"SELECT {_COLUMNS} FROM custom_providers WHERE account_id = ?1 AND id = ?2"  # noqa: S608
_DELETE = f"""
DELETE FROM custom_providers WHERE account_id = ?1 AND id = ?2 RETURNING {_COLUMNS}
"""  # noqa: S608

_READ_ONLY = {"id", "account_id", "account_tag", "logo", "created_at", "modified_at"}
_ORDERS = {"beta": "details ->> 'beta'", "position": "details ->> 'position'"}
_KEPT_APART = {"name", "slug", "base_url", "headers", "enable"}
_MASK = "***"
"""What is shown of a header's value, and what stands for it in a change."""

SLUG = "[a-z0-9][a-z0-9-]{0,62}"
"""What the slug of a custom provider may be."""

_Text = Annotated[str, Field(max_length=4096)]


class CustomProvider(BaseModel):
    """What a custom provider is made of."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=256)]
    slug: Annotated[str, Field(pattern=f"^{SLUG}$")]
    base_url: Annotated[str, Field(max_length=2048)]
    headers: Annotated[str, Field(max_length=16_384)] | None = None
    """A JSON object of headers that are sent as well. They may hold credentials."""
    enable: bool = False
    beta: bool = False
    description: _Text | None = None
    link: _Text | None = None
    curl_example: _Text | None = None
    js_example: _Text | None = None
    position: Annotated[int, Field(ge=0, le=1_000_000)] | None = None


class ShownCustomProvider(CustomProvider):
    """A custom provider, as it is shown: `***` in place of each header's value."""

    id: str
    account_id: str
    account_tag: str
    logo: str | None
    created_at: str
    modified_at: str


class CustomProviderQuery(Searched):
    """Which custom providers are asked for."""

    per_page: LargePageSize = 20
    enable: Flag | None = None
    beta: Flag | None = None
    order_by: Literal["slug", "name", "enable", "beta", "position", "created_at", "modified_at"] = (
        "slug"
    )


@shaped(list[ShownCustomProvider], query=CustomProviderQuery)
async def list_custom_providers(task: Task) -> Reply:
    """Return a page of an account's custom providers. Raises Invalid."""
    asked, database = queried(CustomProviderQuery, task.query), task.ports.database
    flags = (None if flag is None else int(flag) for flag in (asked.enable, asked.beta))
    values = (task.account, asked.search, *flags)
    total = (await database.all(_COUNT, *values))[0]["total"]
    order = _ORDERS.get(asked.order_by, asked.order_by)
    rows = await database.all(_LIST.format(order), *values, asked.per_page, asked.offset)
    return success([_shown(task, row) for row in rows], asked.info(len(rows), total))


@shaped(ShownCustomProvider, BadBaseUrl, CustomProviderExists, Misconfigured, body=CustomProvider)
async def create_custom_provider(task: Task) -> Reply:
    """Add a custom provider.

    Raises Invalid, BadBaseUrl, CustomProviderExists, and Misconfigured without ENCRYPTION_KEY.
    """
    asked = checked(CustomProvider, await read_object(task), _READ_ONLY)
    values = await _values(task, asked, None)
    async with _changing(task):
        rows = await task.ports.database.all(_INSERT, uuid7(task.ports.clock()), *values)
    if not rows:
        raise CustomProviderExists(asked.slug)
    return success(_shown(task, rows[0]))


@shaped(ShownCustomProvider)
async def get_custom_provider(task: Task, provider_id: str) -> Reply:
    """Return a custom provider. Raises CustomProviderNotFound."""
    return success(_shown(task, await _row(task, provider_id)))


@shaped(
    ShownCustomProvider,
    BadBaseUrl,
    CustomProviderExists,
    Misconfigured,
    body=CustomProvider,
    partial=True,
)
async def update_custom_provider(task: Task, provider_id: str) -> Reply:
    """Change what a body names of a custom provider. Its headers are encrypted anew.

    Raises Invalid, BadBaseUrl, CustomProviderNotFound, CustomProviderExists, ChangedMeanwhile, and
    Misconfigured where headers that stay cannot be opened.
    """
    given = await read_object(task)

    async def write(row: Row) -> Sequence[Row]:
        asked = checked(CustomProvider, _shown(task, row) | given, _READ_ONLY)
        values = await _values(task, asked, row)
        before = (row[name] for name in _CHANGED)
        async with _changing(task):
            return await task.ports.database.all(_UPDATE, provider_id, *values, *before)

    taken = CustomProviderExists(str(given.get("slug")))
    return success(_shown(task, await updated(partial(_row, task, provider_id), write, taken)))


@shaped(ShownCustomProvider)
async def delete_custom_provider(task: Task, provider_id: str) -> Reply:
    """Delete a custom provider. Raises CustomProviderNotFound."""
    async with _changing(task):
        rows = await task.ports.database.all(_DELETE, task.account, provider_id)
    return success(_shown(task, _only(rows, provider_id)))


async def _values(
    task: Task, asked: CustomProvider, before: Row | None
) -> tuple[str | int | None, ...]:
    """Return the values of a row, from its slug on. `before` is what the row was."""
    base_url = checked_base_url(asked.base_url)
    headers = await _unmasked(task, json.loads(checked_headers(asked.headers) or "{}"), before)
    sealed = masked = None
    if headers:
        context = custom_context(task.account, asked.slug)
        sealed = await task.isolate.vault.seal(json.dumps(headers), context, task.ports.crypto)
        masked = json.dumps(dict.fromkeys(headers, _MASK))
    details = json.dumps(asked.model_dump(exclude=_KEPT_APART) | {"headers": masked})
    named = (asked.slug, asked.name, base_url, sealed, int(asked.enable), details)
    return (*named, round(task.ports.clock()), task.account)


async def _unmasked(
    task: Task, headers: Mapping[str, str], before: Row | None
) -> Mapping[str, str]:
    """Return headers with the values that they had, where they came back as they were shown."""
    masked = [name for name, value in headers.items() if value == _MASK]
    if not masked:
        return headers
    stored = await _opened(task, before)
    if unknown := [name for name in masked if name not in stored]:
        rule = f"Use its value: `{_MASK}` stands for one that is stored"
        raise Invalid([(rule, ["body", "headers", name]) for name in unknown])
    return {**headers, **{name: stored[name] for name in masked}}


async def _opened(task: Task, row: Row | None) -> Mapping[str, str]:
    if row is None or row["headers"] is None:
        return {}
    context = custom_context(task.account, row["slug"])
    return json.loads(await task.isolate.vault.open(row["headers"], context, task.ports.crypto))


async def _row(task: Task, provider_id: str) -> Row:
    return _only(await task.ports.database.all(_GET, task.account, provider_id), provider_id)


def _only(rows: Sequence[Row], provider_id: str) -> Row:
    if not rows:
        raise CustomProviderNotFound(provider_id)
    return rows[0]


def _changing(task: Task) -> AbstractAsyncContextManager[None]:
    return task.isolate.gateways.changing(task.account, task.ports.snapshots, task.ports.database)


def _shown(task: Task, row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "account_id": task.account,
        "account_tag": task.account,
        "slug": row["slug"],
        "name": row["name"],
        "base_url": row["base_url"],
        "enable": bool(row["enable"]),
        **json.loads(row["details"]),
        "logo": None,
        "created_at": iso(row["created_at"]),
        "modified_at": iso(row["modified_at"]),
    }
