"""Who may do what with the management API."""

import json

from api.task import Task
from errors import Forbidden, Unauthenticated
from keys.tokens import digest, same
from ports import Row

ADMIN = "admin"
"""What only the admin token may do, and the name of whoever holds it."""
ANY = "any"
"""What every token may do, whatever its scopes and its gateways."""
_READS = ("GET", "HEAD")
_FIND = "SELECT id, scopes, gateways, expires_at FROM tokens WHERE digest = ?1 AND account_id = ?2"


async def admit(task: Task, path: str, admin_token: str, scope: str | None) -> str:
    """Let in the admin token, and a token whose scopes allow it. Return who it is: ADMIN, or an id.

    The scope is `read` or `edit`, as the method is, unless the resource has one of its own. A token
    for some gateways reaches these alone. Raises Unauthenticated and Forbidden.
    """
    kind, _, rest = task.request.headers.get("authorization", "").partition(" ")
    given = rest.strip()
    if kind.lower() != "bearer" or not given:
        raise Unauthenticated
    if same(given, admin_token):
        return ADMIN
    token = await _find(task, given)
    if scope == ANY:
        return token["id"]
    wanted = scope or ("read" if task.request.method in _READS else "edit")
    if wanted not in json.loads(token["scopes"]) or not _within(path, token["gateways"]):
        raise Forbidden(wanted)
    return token["id"]


async def _find(task: Task, given: str) -> Row:
    rows = await task.ports.database.all(_FIND, digest(given), task.account)
    if not rows:
        raise Unauthenticated
    expires_at: int | None = rows[0]["expires_at"]
    if expires_at is not None and expires_at <= task.ports.clock():
        raise Unauthenticated
    return rows[0]


def _within(path: str, gateways: str | None) -> bool:
    """Return whether a path leads into one of the gateways, a JSON array, that a token is for."""
    if gateways is None:
        return True
    collection, _, rest = path.partition("/")
    return collection == "gateways" and rest.partition("/")[0] in json.loads(gateways)
