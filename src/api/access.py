"""Who may do what with the management API."""

import json
from collections.abc import Sequence

from api.task import Task
from errors import Forbidden, Unauthorized
from tokens import digest, same

ADMIN = "admin"
"""What only the admin token may do."""
_READS = ("GET", "HEAD")
_FIND = "SELECT scopes, gateways, expires_at FROM tokens WHERE digest = ?1 AND account_id = ?2"


async def admit(task: Task, path: str, admin_token: str, scope: str | None) -> None:
    """Let in the admin token, and a token whose scopes allow it.

    The scope is `read` or `edit`, as the method is, unless the resource has one of its own. A token
    for some gateways reaches these alone. Raises Unauthorized and Forbidden.
    """
    kind, _, given = task.request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not given:
        raise Unauthorized
    if same(given, admin_token):
        return
    rows = await task.ports.database.all(_FIND, digest(given), task.account)
    if not rows or (rows[0]["expires_at"] or float("inf")) <= task.ports.clock():
        raise Unauthorized
    wanted = scope or ("read" if task.request.method in _READS else "edit")
    gateways = rows[0]["gateways"]
    if wanted not in json.loads(rows[0]["scopes"]):
        raise Forbidden(wanted)
    if gateways is not None and not _within(path, json.loads(gateways)):
        raise Forbidden(wanted)


def _within(path: str, gateways: Sequence[str]) -> bool:
    collection, _, rest = path.partition("/")
    return collection == "gateways" and rest.partition("/")[0] in gateways
