"""The management API, in the envelopes of Cloudflare's API v4.

Every request needs `Authorization: Bearer <admin token>`; a deployment without an admin token has
no management API.
"""

import re

from api.logs import get_log, list_logs
from bearer import bearer_matches
from call import Reply, Request
from deployment import Deployment
from errors import MethodNotAllowed, NotFound, Unauthorized
from journal import Journal
from ports import Database
from routes import ManagementRoute

__all__ = ["manage"]

_LOGS = re.compile(r"gateways/([^/]+)/logs(?:/([^/]+))?")


async def manage(
    where: ManagementRoute,
    request: Request,
    deployment: Deployment,
    journal: Journal,
    database: Database,
) -> Reply:
    """Answer a request of the management API.

    Raises NotFound, Unauthorized, MethodNotAllowed, BadParameter, GatewayNotFound and LogNotFound.
    """
    match = _LOGS.fullmatch(where.path)
    if deployment.admin_token is None:
        raise NotFound(where.path)
    if not bearer_matches(request.headers.get("authorization"), deployment.admin_token):
        raise Unauthorized
    if match is None:
        raise NotFound(where.path)
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed(request.method, "GET, HEAD")
    # Who asks for the log after a request expects to find it there.
    await journal.flush(database)
    gateway, log_id = match.groups()
    if log_id is None:
        return await list_logs(where.account, gateway, where.query, database)
    return await get_log(where.account, gateway, log_id, database)
