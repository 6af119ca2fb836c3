"""The management API, in the envelopes of Cloudflare's API v4.

Every request needs `Authorization: Bearer <token>`: the admin token, or a token of the gateway's
own that has the scope for it. A deployment without an admin token has no management API.
"""

import re
from collections.abc import Awaitable, Callable

from api.access import ADMIN, admit
from api.analytics import account_analytics, gateway_analytics
from api.cache import purge_cache
from api.custom_providers import (
    create_custom_provider,
    delete_custom_provider,
    get_custom_provider,
    list_custom_providers,
    update_custom_provider,
)
from api.gateways import (
    create_gateway,
    delete_gateway,
    get_gateway,
    list_gateways,
    replace_gateway,
)
from api.logs import delete_logs, get_log, get_request, get_response, judge_log, list_logs
from api.provider_configs import (
    create_key,
    delete_key,
    get_key,
    list_keys,
    reseal_keys,
    update_key,
)
from api.task import Task
from api.tokens import create_token, get_token, list_tokens, revoke_token
from call import Reply
from errors import MethodNotAllowed, NotFound

__all__ = ["Task", "manage"]

_Action = Callable[..., Awaitable[Reply]]

# What a path is, and what may be done with it. The groups of a path are the action's arguments.
_RESOURCES: list[tuple[re.Pattern[str], dict[str, _Action]]] = [
    (re.compile("gateways"), {"GET": list_gateways, "POST": create_gateway}),
    (
        re.compile("gateways/([^/]+)"),
        {"GET": get_gateway, "PUT": replace_gateway, "DELETE": delete_gateway},
    ),
    (re.compile("gateways/([^/]+)/cache"), {"DELETE": purge_cache}),
    (
        re.compile("gateways/([^/]+)/provider_configs"),
        {"GET": list_keys, "POST": create_key},
    ),
    (re.compile("gateways/([^/]+)/provider_configs/reseal"), {"POST": reseal_keys}),
    (
        re.compile("gateways/([^/]+)/provider_configs/([^/]+)"),
        {"GET": get_key, "PUT": update_key, "DELETE": delete_key},
    ),
    (re.compile("gateways/([^/]+)/logs"), {"GET": list_logs, "DELETE": delete_logs}),
    (re.compile("gateways/([^/]+)/logs/([^/]+)"), {"GET": get_log, "PATCH": judge_log}),
    (re.compile("gateways/([^/]+)/logs/([^/]+)/request"), {"GET": get_request}),
    (re.compile("gateways/([^/]+)/logs/([^/]+)/response"), {"GET": get_response}),
    (re.compile("gateways/([^/]+)/analytics"), {"GET": gateway_analytics}),
    (re.compile("analytics"), {"GET": account_analytics}),
    (
        re.compile("custom-providers"),
        {"GET": list_custom_providers, "POST": create_custom_provider},
    ),
    (
        re.compile("custom-providers/([^/]+)"),
        {
            "GET": get_custom_provider,
            "PATCH": update_custom_provider,
            "DELETE": delete_custom_provider,
        },
    ),
    (re.compile("tokens"), {"GET": list_tokens, "POST": create_token}),
    (re.compile("tokens/([^/]+)"), {"GET": get_token, "DELETE": revoke_token}),
]
# Whoever could make tokens could make one that may do anything.
_ADMIN_ONLY = re.compile("tokens(?:/.*)?")


async def manage(path: str, task: Task) -> Reply:
    """Answer a request of the management API.

    Raises NotFound, Unauthorized, Forbidden, MethodNotAllowed, and what the resource raises.
    """
    admin_token = task.isolate.deployment.admin_token
    if admin_token is None:
        raise NotFound(path)
    await admit(task, path, admin_token, ADMIN if _ADMIN_ONLY.fullmatch(path) else None)
    for pattern, actions in _RESOURCES:
        if match := pattern.fullmatch(path):
            return await _action(actions, task.request.method)(task, *match.groups())
    raise NotFound(path)


def _action(actions: dict[str, _Action], method: str) -> _Action:
    if "GET" in actions:
        actions = actions | {"HEAD": actions["GET"]}
    action = actions.get(method)
    if action is None:
        raise MethodNotAllowed(method, ", ".join(actions))
    return action
