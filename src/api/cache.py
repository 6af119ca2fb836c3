"""What is kept of a gateway's answers, and how to be rid of it."""

import json
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal
from urllib.parse import parse_qsl

from pydantic import BaseModel

from api.custom_providers import SLUG
from api.envelope import success
from api.gateways import NEXT_GENERATION
from api.route import shaped
from api.task import Task
from call import Reply
from errors import BadParameter, GatewayNotFound, PurgeFailed
from kept.key import custom_key
from ports import CacheError, FlightsError, Row
from providers import CUSTOM, PROVIDERS, canonical

_WHERE = "WHERE account_id = ?1 AND id = ?2"
# The member of a JSON object whose name is a slug.
_MEMBER = """'$."' || ?3 || '"'"""
_PURGE_ALL = f"""
UPDATE gateways SET generations = {NEXT_GENERATION} {_WHERE} RETURNING id
"""  # noqa: S608 - our own names
_PURGE_PROVIDER = f"""
UPDATE gateways SET generations =
  json_set(generations, {_MEMBER}, coalesce(json_extract(generations, {_MEMBER}), 0) + 1)
{_WHERE} RETURNING id
"""  # noqa: S608
_GET = f"SELECT internal_id, generations FROM gateways {_WHERE}"  # noqa: S608


class CacheQuery(BaseModel):
    """What is to be purged: of a provider, or for a key, or everything."""

    provider: str | None = None
    key: str | None = None


class Purged(BaseModel):
    """What was purged."""

    purged: Literal["all", "provider", "key"]
    value: str | None


@shaped(Purged, PurgeFailed, query=CacheQuery)
async def purge_cache(task: Task, gateway_id: str) -> Reply:
    """Forget all that is kept for a gateway or, as the query says, of a `provider` or for a `key`.

    Raises BadParameter, GatewayNotFound and PurgeFailed.
    """
    name, value = _asked(task.query)
    await _PURGES[name](task, gateway_id, value)
    # Its snapshot holds the number that has changed.
    await task.isolate.gateways.changed(task.account, gateway_id, task.ports.snapshots)
    return success({"purged": name, "value": value or None})


def _asked(query: str) -> tuple[str, str]:
    """Return what is to be purged: `all`, `provider` or `key`, and which. Raises BadParameter."""
    given = parse_qsl(query, keep_blank_values=True)
    # One that is misspelt must not purge everything.
    for name, value in given:
        if name not in ("provider", "key") or not value or len(given) > 1:
            raise BadParameter(name, value, "Use `provider`, or `key`, or neither for everything")
    return given[0] if given else ("all", "")


async def _purge_all(task: Task, gateway_id: str, _value: str) -> None:
    await _row(task, gateway_id, _PURGE_ALL)


async def _purge_provider(task: Task, gateway_id: str, value: str) -> None:
    slug = canonical(value)
    # Part of a path in a JSON object: nothing but a slug.
    if slug not in PROVIDERS and not re.fullmatch(CUSTOM + SLUG, slug):
        raise BadParameter("provider", value, f"Use a provider's slug, or {CUSTOM}{{slug}}")
    await _row(task, gateway_id, _PURGE_PROVIDER, slug)


async def _purge_key(task: Task, gateway_id: str, value: str) -> None:
    row = await _row(task, gateway_id, _GET)
    generation = json.loads(row["generations"]).get("", 0)
    for stream in (False, True):
        key = custom_key(row["internal_id"], generation, value, stream=stream)
        try:
            await task.ports.cache.delete(key)
            await task.ports.flights.forget(key)
        except (CacheError, FlightsError):
            raise PurgeFailed from None


async def _row(task: Task, gateway_id: str, statement: str, *values: str) -> Row:
    rows: Sequence[Row] = await task.ports.database.all(
        statement, task.account, gateway_id, *values
    )
    if not rows:
        raise GatewayNotFound(gateway_id)
    return rows[0]


_PURGES: dict[str, Callable[[Task, str, str], Awaitable[None]]] = {
    "all": _purge_all,
    "provider": _purge_provider,
    "key": _purge_key,
}
