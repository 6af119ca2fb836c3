"""The management API, in the envelopes of Cloudflare's API v4.

Every request needs `Authorization: Bearer <admin token>`; a deployment without an admin token has
no management API.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from api.gateways import (
    create_gateway,
    delete_gateway,
    get_gateway,
    list_gateways,
    replace_gateway,
)
from api.logs import get_log, list_logs
from api.task import Task
from bearer import bearer_matches
from call import Reply
from errors import MethodNotAllowed, NotFound, Unauthorized

__all__ = ["Task", "manage"]

_Action = Callable[..., Awaitable[Reply]]

# What a path is, and what may be done with it. The groups of a path are the action's arguments.
_RESOURCES: list[tuple[re.Pattern[str], dict[str, _Action]]] = [
    (re.compile("gateways"), {"GET": list_gateways, "POST": create_gateway}),
    (
        re.compile("gateways/([^/]+)"),
        {"GET": get_gateway, "PUT": replace_gateway, "DELETE": delete_gateway},
    ),
    (re.compile("gateways/([^/]+)/logs"), {"GET": list_logs}),
    (re.compile("gateways/([^/]+)/logs/([^/]+)"), {"GET": get_log}),
]


async def manage(path: str, task: Task, admin_token: str | None) -> Reply:
    """Answer a request of the management API.

    Raises NotFound, Unauthorized, MethodNotAllowed, and what the resource raises.
    """
    if admin_token is None:
        raise NotFound(path)
    if not bearer_matches(task.request.headers.get("authorization"), admin_token):
        raise Unauthorized
    for pattern, actions in _RESOURCES:
        if match := pattern.fullmatch(path):
            return await _action(actions, task.request.method)(task, *match.groups())
    raise NotFound(path)


def _action(actions: dict[str, Any], method: str) -> _Action:
    action = actions.get("GET" if method == "HEAD" else method)
    if action is None:
        raise MethodNotAllowed(method, ", ".join([*actions, "HEAD"]))
    return action
