"""The gateway's own tokens, as the management API makes and revokes them."""

import json
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.body import Problem, checked, read_object
from api.envelope import iso, success
from api.query import Paged, queried
from api.route import shaped
from api.task import Task
from api.times import Time
from call import Reply
from errors import Invalid, TokenNotFound
from ids import uuid7
from keys.tokens import digest, make
from ports import Row
from settings import Name

_COLUMNS = "id, name, preview, scopes, gateways, expires_at, created_at"
_KNOWN = "SELECT id FROM gateways WHERE account_id = ?2"
_INSERT = f"""
INSERT INTO tokens (id, account_id, name, digest, preview, scopes, gateways, expires_at, created_at)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
WHERE NOT EXISTS (SELECT value FROM json_each(?7) EXCEPT {_KNOWN}) RETURNING {_COLUMNS}
"""  # noqa: S608 - our own names
_LIST = f"""
SELECT {_COLUMNS} FROM tokens WHERE account_id = ?1 ORDER BY id DESC LIMIT ?2 OFFSET ?3
"""  # noqa: S608
_COUNT = "SELECT count(*) AS total FROM tokens WHERE account_id = ?1"
_GET = f"SELECT {_COLUMNS} FROM tokens WHERE account_id = ?1 AND id = ?2"  # noqa: S608
_DELETE = f"DELETE FROM tokens WHERE account_id = ?1 AND id = ?2 RETURNING {_COLUMNS}"  # noqa: S608
_UNKNOWN = f"""
SELECT key FROM json_each(?1) WHERE value NOT IN ({_KNOWN}) ORDER BY key
"""  # noqa: S608

MOST_GATEWAYS = 100


class NewToken(BaseModel):
    """What a token is made of."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Name
    scopes: Annotated[list[Literal["run", "read", "edit"]], Field(min_length=1)] = ["run"]
    """`run`: send requests. `read` and `edit`: use the management API."""
    gateways: Annotated[list[Name], Field(min_length=1, max_length=MOST_GATEWAYS)] | None = None
    """The gateways that it is for. None: all of the account."""
    expires_at: Time | None = None


class ShownToken(BaseModel):
    """A token, as it is shown."""

    id: str
    name: str
    preview: str
    scopes: list[str]
    gateways: list[str] | None
    expires_at: str | None
    created_at: str


class MadeToken(ShownToken):
    """A token that has just been made."""

    value: str
    """The token itself. It is shown this once."""


@shaped(list[ShownToken], query=Paged)
async def list_tokens(task: Task) -> Reply:
    """Return a page of an account's tokens, the newest first. Raises Invalid."""
    asked, database = queried(Paged, task.query), task.ports.database
    total = (await database.all(_COUNT, task.account))[0]["total"]
    rows = await database.all(_LIST, task.account, asked.per_page, asked.offset)
    return success([_shown(row) for row in rows], asked.info(len(rows), total))


@shaped(MadeToken, body=NewToken)
async def create_token(task: Task) -> Reply:
    """Make a token. This answer alone has it whole, as `value`. Raises Invalid."""
    asked, now = checked(NewToken, await read_object(task)), task.ports.clock()
    if asked.expires_at is not None and asked.expires_at <= now:
        raise Invalid([("Use a time that is still to come", ["body", "expires_at"])])
    token = make()
    values = (
        uuid7(now),
        task.account,
        asked.name,
        digest(token),
        token[-4:],
        json.dumps(sorted(set(asked.scopes))),
        json.dumps(asked.gateways) if asked.gateways else None,
        asked.expires_at,
        round(now),
    )
    async with _changing(task):
        rows = await task.ports.database.all(_INSERT, *values)
    if not rows:
        raise Invalid(await _unknown(task, asked.gateways or []))
    return success(_shown(rows[0]) | {"value": token})


@shaped(ShownToken)
async def get_token(task: Task, token_id: str) -> Reply:
    """Return a token, without what it is. Raises TokenNotFound."""
    rows = await task.ports.database.all(_GET, task.account, token_id)
    return success(_shown(_only(rows, token_id)))


@shaped(ShownToken)
async def revoke_token(task: Task, token_id: str) -> Reply:
    """Revoke a token. Raises TokenNotFound."""
    async with _changing(task):
        rows = await task.ports.database.all(_DELETE, task.account, token_id)
    return success(_shown(_only(rows, token_id)))


async def _unknown(task: Task, gateways: list[str]) -> list[Problem]:
    """Return which gateways do not exist: a token for them would open the next of that name."""
    rows = await task.ports.database.all(_UNKNOWN, json.dumps(gateways), task.account)
    # Those that have been made meanwhile: all are told of, so that some are.
    places = [row["key"] for row in rows] or range(len(gateways))
    rule = "No gateway of the account has this id"
    return [(rule, ["body", "gateways", str(place)]) for place in places]


def _only(rows: Sequence[Row], token_id: str) -> Row:
    if not rows:
        raise TokenNotFound(token_id)
    return rows[0]


def _changing(task: Task) -> AbstractAsyncContextManager[None]:
    return task.isolate.gateways.changing(task.account, task.ports.snapshots, task.ports.database)


def _shown(row: Row) -> dict[str, object]:
    expires_at: int | None = row["expires_at"]
    return {
        "id": row["id"],
        "name": row["name"],
        "preview": f"…{row['preview']}",
        "scopes": json.loads(row["scopes"]),
        "gateways": json.loads(row["gateways"]) if row["gateways"] else None,
        "expires_at": None if expires_at is None else iso(expires_at),
        "created_at": iso(row["created_at"]),
    }
