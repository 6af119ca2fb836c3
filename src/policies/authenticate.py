"""Let in only those who hold a token of the gateway."""

from call import Call, Handler, Policy, Reply
from errors import Unauthorized
from keys.tokens import digest, presented, same
from ports import Clock


def authenticate(admin_token: str | None, clock: Clock) -> Policy:
    """Return the policy that wants a token of the gateway.

    The admin token opens every gateway. Raises Unauthorized.
    """

    async def authenticate(call: Call, proceed: Handler) -> Reply:
        given = presented(call.request.headers)
        if given is None:
            raise Unauthorized
        # Found by its digest: the time that takes tells of the digest, which tells nothing.
        token = call.gateway.tokens.get(digest(given))
        if token and (token.expires_at is None or clock() < token.expires_at):
            call.trail.token_id = token.id
        elif not same(given, admin_token):
            raise Unauthorized
        return await proceed(call)

    return authenticate
