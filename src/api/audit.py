"""The audit log: who changed what through the management API, and when.

A row is written before the change and completed after it, so that no change can be made that leaves
none. The row of a change that was refused is taken back. One that is still `begun` is of a change
of which nobody knows how far it went: its request failed or was cut off in the middle.
"""

import json
import logging
from dataclasses import dataclass
from typing import Any, cast

from api.route import Action, Route, verb
from api.task import Task
from call import Reply
from errors import GatewayError
from ids import uuid7
from keys.tokens import PREFIX
from ports import DatabaseError

_log = logging.getLogger("sluice.audit")

LONGEST = 100_000
"""Characters of JSON that are kept of what something was, or became."""
QUERY_LENGTH = 4096
"""Characters that are kept of a query."""
MASK = "***"
HEADERS = "headers"
_SECRET = {"authorization", "secret", HEADERS}
"""The members that hold secrets. A token is known by how it begins."""
_BEGIN = """
INSERT INTO audit_logs (account_id, id, created_at, actor, action, resource, resource_id, gateway,
  query, before, outcome, request_id)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'begun', ?11)
"""
_FINISH = """
UPDATE audit_logs SET outcome = 'done', after = ?3, resource_id = coalesce(resource_id, ?4)
WHERE account_id = ?1 AND id = ?2
"""
_TAKE_BACK = "DELETE FROM audit_logs WHERE account_id = ?1 AND id = ?2"


@dataclass(frozen=True, slots=True)
class Change:
    """A change that somebody asks for."""

    task: Task
    actor: str
    route: Route
    names: tuple[str, ...]
    """What the path named."""

    @property
    def one(self) -> bool:
        """Whether it is a change of one thing, which its path names last."""
        return self.route.path.endswith("}")


async def audited(change: Change) -> Reply:
    """Make a change, and write it down. Raises what the change raises, and DatabaseError."""
    task = change.task
    action = change.route.action(task.request.method)
    before = await _before(change)
    row = await _begin(change, action, before)
    try:
        reply = await action(task, *change.names)
    except GatewayError as error:
        if error.unchanged:
            await _noted(task, _TAKE_BACK, row)
        raise
    gone = change.one and task.request.method == "DELETE"
    after = None if gone else _result(reply)
    await _noted(task, _FINISH, row, _kept(change, after), _id(after))
    reply.headers["cf-aig-request-id"] = row
    return reply


async def _before(change: Change) -> Any:
    """Return what a change is about to change. Raises what reading it raises."""
    read = change.route.actions.get("GET") if change.one else None
    return _result(await read(change.task, *change.names)) if read else None


async def _begin(change: Change, action: Action, before: Any) -> str:
    task, names, route = change.task, change.names, change.route
    now = task.ports.clock()
    row = uuid7(now)
    await task.ports.database.all(
        _BEGIN,
        task.account,
        row,
        round(now),
        change.actor,
        verb(action),
        route.resource,
        names[-1] if change.one else None,
        names[0] if route.path.startswith("gateways/{") else None,
        task.query[:QUERY_LENGTH] or None,
        _kept(change, before),
        task.request.headers.get("cf-ray", row)[:64],
    )
    return row


async def _noted(task: Task, statement: str, row: str, *values: str | None) -> None:
    # The change has been made, or not: what the caller is told must not depend on this.
    try:
        await task.ports.database.all(statement, task.account, row, *values)
    except DatabaseError as error:
        _log.error("row %s of the audit log stays as it was begun: %s", row, error)


def _result(reply: Reply) -> Any:
    return json.loads(str(reply.body))["result"]


def _id(made: Any) -> str | None:
    return cast("dict[str, str]", made).get("id") if isinstance(made, dict) else None


def _kept(change: Change, thing: Any) -> str | None:
    if thing is None:
        return None
    told = change.route.told
    text = json.dumps(masked({name: thing[name] for name in told} if told else thing))
    return text if len(text) <= LONGEST else json.dumps({"too_long": len(text)})


def masked(thing: Any, name: str = "") -> Any:
    """Return a JSON value without what nobody must read. `name` is what holds it."""
    if isinstance(thing, dict):
        members = cast("dict[str, Any]", thing).items()
        # Headers have names of their own; all of them may hold credentials.
        return {key: masked(one, name if name == HEADERS else key) for key, one in members}
    if isinstance(thing, list):
        return [masked(one, name) for one in cast("list[Any]", thing)]
    secret = isinstance(thing, str) and (name in _SECRET or thing.startswith(PREFIX))
    return MASK if secret else thing
