"""The gateway's own tokens, as the management API makes and revokes them."""

import json
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.body import read_model
from api.envelope import iso, success
from api.paging import Page
from api.task import Task
from call import Reply
from errors import Invalid, TokenNotFound
from ids import uuid7
from ports import Row
from settings import Name
from tokens import digest, make

_COLUMNS = "id, name, preview, scopes, gateways, expires_at, created_at"
_INSERT = f"""
INSERT INTO tokens (id, account_id, name, digest, preview, scopes, gateways, expires_at, created_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING {_COLUMNS}
"""  # noqa: S608 - our own names
_LIST = f"""
SELECT {_COLUMNS} FROM tokens WHERE account_id = ?1 ORDER BY id DESC LIMIT ?2 OFFSET ?3
"""  # noqa: S608
_COUNT = "SELECT count(*) AS total FROM tokens WHERE account_id = ?1"
_GET = f"SELECT {_COLUMNS} FROM tokens WHERE account_id = ?1 AND id = ?2"  # noqa: S608
_DELETE = f"DELETE FROM tokens WHERE account_id = ?1 AND id = ?2 RETURNING {_COLUMNS}"  # noqa: S608


class NewToken(BaseModel):
    """What a token is made of."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    scopes: Annotated[list[Literal["run", "read", "edit"]], Field(min_length=1)] = ["run"]
    """`run`: send requests. `read` and `edit`: use the management API."""
    gateways: Annotated[list[Name], Field(min_length=1)] | None = None
    """The gateways that it is for. None: all of the account."""
    expires_at: AwareDatetime | None = None
    """ISO 8601, with a time zone."""


async def list_tokens(task: Task) -> Reply:
    """Return a page of an account's tokens, the newest first. Raises BadParameter."""
    page = Page.of(task.query)
    total = (await task.ports.database.all(_COUNT, task.account))[0]["total"]
    rows = await task.ports.database.all(_LIST, task.account, page.size, page.offset)
    return success([_shown(row) for row in rows], page.info(len(rows), total))


async def create_token(task: Task) -> Reply:
    """Make a token. This answer alone has it whole, as `value`. Raises Invalid."""
    asked, now = await read_model(task, NewToken), task.ports.clock()
    expires_at = asked.expires_at and round(asked.expires_at.timestamp() * 1000)
    if expires_at is not None and expires_at <= now:
        raise Invalid([("Use a time that is still to come", ["body", "expires_at"])])
    token = make()
    rows = await task.ports.database.all(
        _INSERT,
        uuid7(now),
        task.account,
        asked.name,
        digest(token),
        token[-4:],
        json.dumps(sorted(set(asked.scopes))),
        json.dumps(asked.gateways) if asked.gateways else None,
        expires_at,
        round(now),
    )
    await _changed(task)
    return success(_shown(rows[0]) | {"value": token})


async def get_token(task: Task, token_id: str) -> Reply:
    """Return a token, without what it is. Raises TokenNotFound."""
    rows = await task.ports.database.all(_GET, task.account, token_id)
    if not rows:
        raise TokenNotFound(token_id)
    return success(_shown(rows[0]))


async def revoke_token(task: Task, token_id: str) -> Reply:
    """Revoke a token. Raises TokenNotFound."""
    rows = await task.ports.database.all(_DELETE, task.account, token_id)
    if not rows:
        raise TokenNotFound(token_id)
    await _changed(task)
    return success(_shown(rows[0]))


async def _changed(task: Task) -> None:
    await task.isolate.gateways.account_changed(
        task.account, task.ports.snapshots, task.ports.database
    )


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
