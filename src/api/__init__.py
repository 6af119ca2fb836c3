"""The management API, in the envelopes of Cloudflare's API v4.

Every request needs `Authorization: Bearer <token>`: the admin token, or a token of the gateway's
own that has the scope for it. A deployment without an admin token has no management API.
"""

from api.access import ADMIN, ANY, admit
from api.analytics import account_analytics, gateway_analytics
from api.audit import Change, audited
from api.audit_logs import list_audit_logs
from api.cache import purge_cache
from api.custom_providers import (
    create_custom_provider,
    delete_custom_provider,
    get_custom_provider,
    list_custom_providers,
    update_custom_provider,
)
from api.datasets import (
    create_dataset,
    delete_dataset,
    get_dataset,
    list_datasets,
    replace_dataset,
)
from api.evaluation_types import list_evaluation_types
from api.evaluations import (
    create_evaluation,
    delete_evaluation,
    get_evaluation,
    list_evaluations,
)
from api.gateways import (
    create_gateway,
    delete_gateway,
    get_gateway,
    list_gateways,
    replace_gateway,
)
from api.logs import (
    Judgement,
    delete_logs,
    get_log,
    get_request,
    get_response,
    judge_log,
    list_logs,
)
from api.openapi import document
from api.provider_configs import (
    create_key,
    delete_key,
    get_key,
    list_keys,
    reseal_keys,
    update_key,
)
from api.route import READS, Route, shaped
from api.tail import tail_logs
from api.task import Task
from api.tokens import create_token, get_token, list_tokens, revoke_token
from api.urls import get_url
from call import Reply
from errors import NotFound

__all__ = ["ROUTES", "Task", "manage"]


async def manage(path: str, task: Task) -> Reply:
    """Answer a request of the management API.

    Raises NotFound, Unauthenticated, Forbidden, MethodNotAllowed, and what the resource raises.
    """
    admin_token = task.isolate.deployment.admin_token
    if admin_token is None:
        raise NotFound(path)
    route, names = _find(path)
    # Of what is not there, nothing is told to tokens.
    actor = await admit(task, path, admin_token, route.scope if route else ADMIN)
    if route is None:
        raise NotFound(path)
    action = route.action(task.request.method)
    if task.request.method not in READS:
        return await audited(Change(task, actor, route, names))
    return await action(task, *names)


def _find(path: str) -> tuple[Route | None, tuple[str, ...]]:
    for route in ROUTES:
        if match := route.pattern.fullmatch(path):
            return route, match.groups()
    return None, ()


@shaped(dict, bare="application/json")
async def get_openapi(task: Task) -> Reply:
    """Return this API as an OpenAPI document."""
    return document(task.account, ROUTES)


# What a path is, and what may be done with it. What the path names are the action's arguments.
ROUTES = (
    Route("gateways", {"GET": list_gateways, "POST": create_gateway}, "gateway"),
    Route(
        "gateways/{gateway}",
        {"GET": get_gateway, "PUT": replace_gateway, "DELETE": delete_gateway},
        "gateway",
    ),
    Route("gateways/{gateway}/cache", {"DELETE": purge_cache}, "cache"),
    Route(
        "gateways/{gateway}/provider_configs",
        {"GET": list_keys, "POST": create_key},
        "provider_config",
    ),
    Route("gateways/{gateway}/provider_configs/reseal", {"POST": reseal_keys}, "provider_config"),
    Route(
        "gateways/{gateway}/provider_configs/{provider_config}",
        {"GET": get_key, "PUT": update_key, "DELETE": delete_key},
        "provider_config",
    ),
    Route("gateways/{gateway}/logs", {"GET": list_logs, "DELETE": delete_logs}, "log"),
    Route("gateways/{gateway}/logs/tail", {"GET": tail_logs}, "log"),
    # What a row holds of bodies must not be copied.
    Route(
        "gateways/{gateway}/logs/{log}",
        {"GET": get_log, "PATCH": judge_log},
        "log",
        told=tuple(Judgement.model_fields),
    ),
    Route("gateways/{gateway}/logs/{log}/request", {"GET": get_request}, "log"),
    Route("gateways/{gateway}/logs/{log}/response", {"GET": get_response}, "log"),
    Route("gateways/{gateway}/analytics", {"GET": gateway_analytics}, "analytics"),
    Route("analytics", {"GET": account_analytics}, "analytics"),
    Route("gateways/{gateway}/datasets", {"GET": list_datasets, "POST": create_dataset}, "dataset"),
    Route(
        "gateways/{gateway}/datasets/{dataset}",
        {"GET": get_dataset, "PUT": replace_dataset, "DELETE": delete_dataset},
        "dataset",
    ),
    Route(
        "gateways/{gateway}/evaluations",
        {"GET": list_evaluations, "POST": create_evaluation},
        "evaluation",
    ),
    Route(
        "gateways/{gateway}/evaluations/{evaluation}",
        {"GET": get_evaluation, "DELETE": delete_evaluation},
        "evaluation",
    ),
    Route("gateways/{gateway}/url/{provider}", {"GET": get_url}, "url"),
    Route("evaluation-types", {"GET": list_evaluation_types}, "evaluation_type"),
    Route(
        "custom-providers",
        {"GET": list_custom_providers, "POST": create_custom_provider},
        "custom_provider",
    ),
    Route(
        "custom-providers/{custom_provider}",
        {
            "GET": get_custom_provider,
            "PATCH": update_custom_provider,
            "DELETE": delete_custom_provider,
        },
        "custom_provider",
    ),
    # Whoever could make tokens could make one that may do anything.
    Route("tokens", {"GET": list_tokens, "POST": create_token}, "token", ADMIN),
    Route("tokens/{token}", {"GET": get_token, "DELETE": revoke_token}, "token", ADMIN),
    # It tells of every gateway, and of who holds which token.
    Route("audit-logs", {"GET": list_audit_logs}, "audit_log", ADMIN),
    Route("openapi.json", {"GET": get_openapi}, "openapi", ANY),
)
