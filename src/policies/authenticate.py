"""Let in only those who hold a token of the gateway."""

from bearer import bearer_matches
from call import Call, Handler, Policy, Reply
from errors import Unauthorized


def authenticate(required: bool, token: str | None) -> Policy | None:
    """Return the policy that wants `cf-aig-authorization: Bearer <token>`, where it is required.

    Without a token nobody comes in: a gateway is never open by accident. Raises Unauthorized.
    """
    if not required:
        return None

    async def authenticate(call: Call, proceed: Handler) -> Reply:
        header = call.request.headers.get("cf-aig-authorization")
        if token is None or not bearer_matches(header, token):
            raise Unauthorized
        return await proceed(call)

    return authenticate
