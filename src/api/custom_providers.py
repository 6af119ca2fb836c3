"""Providers that an operator adds, as the management API takes them.

https://developers.cloudflare.com/ai-gateway/configuration/custom-providers/
"""

import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.body import problems, read_object
from api.envelope import iso, success
from api.paging import Page
from api.task import Task
from call import Reply
from credentials import custom_context
from errors import CustomProviderExists, CustomProviderNotFound, Invalid
from ids import uuid7
from outside import checked_base_url, checked_headers
from ports import Row

_COLUMNS = "id, slug, name, base_url, headers, enable, details, created_at, modified_at"
_INSERT = f"""
INSERT INTO custom_providers ({_COLUMNS}, account_id)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9) ON CONFLICT DO NOTHING RETURNING {_COLUMNS}
"""  # noqa: S608 - our own names
_UPDATE = f"""
UPDATE OR IGNORE custom_providers SET slug = ?2, name = ?3, base_url = ?4, headers = ?5,
  enable = ?6, details = ?7, modified_at = ?8
WHERE id = ?1 AND account_id = ?9 RETURNING {_COLUMNS}
"""  # noqa: S608
_WHERE = "account_id = ?1 AND instr(lower(slug || ' ' || name), lower(?2)) > 0"
_LIST = f"""
SELECT {_COLUMNS} FROM custom_providers WHERE {_WHERE} ORDER BY slug LIMIT ?3 OFFSET ?4
"""  # noqa: S608
_COUNT = f"SELECT count(*) AS total FROM custom_providers WHERE {_WHERE}"  # noqa: S608
_GET = f"SELECT {_COLUMNS} FROM custom_providers WHERE account_id = ?1 AND id = ?2"  # noqa: S608
_DELETE = f"""
DELETE FROM custom_providers WHERE account_id = ?1 AND id = ?2 RETURNING {_COLUMNS}
"""  # noqa: S608

_READ_ONLY = {"id", "account_id", "logo", "created_at", "modified_at"}


class CustomProvider(BaseModel):
    """What a custom provider is made of."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=256)]
    slug: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,62}$")]
    base_url: str
    headers: str | None = None
    """A JSON object of headers that are sent as well. They may hold credentials."""
    enable: bool = False
    beta: bool = False
    description: str | None = None
    link: str | None = None
    curl_example: str | None = None
    js_example: str | None = None
    position: int | None = None

    @property
    def details(self) -> str:
        """What is shown to people, as JSON."""
        return self.model_dump_json(exclude={"name", "slug", "base_url", "headers", "enable"})


async def list_custom_providers(task: Task) -> Reply:
    """Return a page of an account's custom providers, by slug. Raises BadParameter."""
    page, database = Page.of(task.query), task.ports.database
    search = page.text("search")
    total = (await database.all(_COUNT, task.account, search))[0]["total"]
    rows = await database.all(_LIST, task.account, search, page.size, page.offset)
    return success([await _shown(task, row) for row in rows], page.info(len(rows), total))


async def create_custom_provider(task: Task) -> Reply:
    """Add a custom provider. Raises Invalid, BadBaseUrl and CustomProviderExists."""
    asked = _checked(await read_object(task))
    now = task.ports.clock()
    rows = await task.ports.database.all(_INSERT, uuid7(now), *await _values(task, asked))
    if not rows:
        raise CustomProviderExists(asked.slug)
    await _changed(task)
    return success(await _shown(task, rows[0]))


async def get_custom_provider(task: Task, provider_id: str) -> Reply:
    """Return a custom provider. Raises CustomProviderNotFound."""
    return success(await _shown(task, await _row(task, provider_id)))


async def update_custom_provider(task: Task, provider_id: str) -> Reply:
    """Change what a body names of a custom provider.

    Raises Invalid, BadBaseUrl, CustomProviderNotFound and CustomProviderExists.
    """
    before = await _shown(task, await _row(task, provider_id))
    kept = {name: value for name, value in before.items() if name not in _READ_ONLY}
    body = await read_object(task)
    # Whoever sends back what was shown has not changed the headers, whose values are never shown.
    if body.get("headers") == before["headers"]:
        body["headers"] = kept["headers"] = await _opened(task, await _row(task, provider_id))
    elif "headers" not in body:
        kept["headers"] = await _opened(task, await _row(task, provider_id))
    asked = _checked(kept | body)
    rows = await task.ports.database.all(_UPDATE, provider_id, *await _values(task, asked))
    if not rows:
        raise CustomProviderExists(asked.slug)
    await _changed(task)
    return success(await _shown(task, rows[0]))


async def delete_custom_provider(task: Task, provider_id: str) -> Reply:
    """Delete a custom provider. Raises CustomProviderNotFound."""
    row = await _row(task, provider_id)
    shown = await _shown(task, row)
    await task.ports.database.all(_DELETE, task.account, provider_id)
    await _changed(task)
    return success(shown)


def _checked(body: dict[str, Any]) -> CustomProvider:
    given = {name: value for name, value in body.items() if name not in _READ_ONLY}
    try:
        asked = CustomProvider.model_validate(given)
    except ValidationError as error:
        raise Invalid(problems(error)) from None
    return asked.model_copy(
        update={
            "base_url": checked_base_url(asked.base_url),
            "headers": checked_headers(asked.headers),
        }
    )


async def _values(task: Task, asked: CustomProvider) -> tuple[str | int | None, ...]:
    """Return the values of a row, from its slug on."""
    context = custom_context(task.account, asked.slug)
    sealed = None
    if asked.headers:
        sealed = await task.isolate.vault.seal(asked.headers, context, task.ports.crypto)
    shown = (asked.slug, asked.name, asked.base_url, sealed, int(asked.enable), asked.details)
    return (*shown, round(task.ports.clock()), task.account)


async def _row(task: Task, provider_id: str) -> Row:
    rows = await task.ports.database.all(_GET, task.account, provider_id)
    if not rows:
        raise CustomProviderNotFound(provider_id)
    return rows[0]


async def _opened(task: Task, row: Row) -> str | None:
    if row["headers"] is None:
        return None
    context = custom_context(task.account, row["slug"])
    return await task.isolate.vault.open(row["headers"], context, task.ports.crypto)


async def _changed(task: Task) -> None:
    await task.isolate.gateways.account_changed(
        task.account, task.ports.snapshots, task.ports.database
    )


async def _shown(task: Task, row: Row) -> dict[str, Any]:
    opened = await _opened(task, row)
    # The names tell an operator which headers are sent; the values may be credentials.
    masked = json.dumps(dict.fromkeys(json.loads(opened), "***")) if opened else None
    return {
        "id": row["id"],
        "account_id": task.account,
        "slug": row["slug"],
        "name": row["name"],
        "base_url": row["base_url"],
        "headers": masked,
        "enable": bool(row["enable"]),
        **json.loads(row["details"]),
        "logo": None,
        "created_at": iso(row["created_at"]),
        "modified_at": iso(row["modified_at"]),
    }
